//! Storage credentials and signatures that a client wishes for: the header `X-Iceberg-Access-Delegation` of the
//! REST spec.

use super::layout::Kind;
use super::operation::Operation;

/// What a client wishes to be handed for the storage of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The header is there at all.
    pub said: bool,
    /// `vended-credentials`.
    pub credentials: bool,
    /// `remote-signing`.
    pub signing: bool,
}

/// The header by which a client says so.
pub const DELEGATION_HEADER: &str = "x-iceberg-access-delegation";

/// The same for Polaris' generic tables.
pub const GENERIC_DELEGATION_HEADER: &str = "polaris-generic-table-access-delegation";

impl Wishes {
    /// Adds the words of one header line. Servers compare them without regard to case and join repeated lines, so
    /// that every word counts wherever it stands.
    pub fn hear(&mut self, line: &[u8]) {
        self.said = true;
        for word in line.split(|byte| *byte == b',') {
            let word = word.trim_ascii();
            self.credentials |= word.eq_ignore_ascii_case(b"vended-credentials");
            self.signing |= word.eq_ignore_ascii_case(b"remote-signing");
        }
    }

    /// What the catalog hands out for them. Nessie and Lakekeeper take silence for every wish.
    pub fn heard_by(self, kind: Kind) -> Self {
        match kind {
            Kind::Nessie | Kind::Lakekeeper if !self.said => Self {
                said: false,
                credentials: true,
                signing: true,
            },
            _ => self,
        }
    }

    /// The header that says no more than this. `None`: no header says it best.
    pub const fn header(self, kind: Kind) -> Option<&'static str> {
        match (self.credentials, self.signing, kind) {
            (true, true, _) => Some("vended-credentials,remote-signing"),
            (true, false, _) => Some("vended-credentials"),
            (false, true, _) => Some("remote-signing"),
            // Silence is every wish to them; this is none (Lakekeeper's own word, unknown to Nessie).
            (false, false, Kind::Nessie | Kind::Lakekeeper) => Some("client-managed"),
            (false, false, Kind::Iceberg | Kind::Polaris) => None,
        }
    }
}

/// Whether the catalog's answer to this operation may hold credentials or a signer's address.
pub const fn delegates(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::CreateTable
            | Operation::LoadTable
            | Operation::RegisterTable
            | Operation::LoadCredentials
            | Operation::PlanTableScan
            | Operation::FetchPlanningResult
            | Operation::FetchScanTasks
            | Operation::CreateGenericTable
            | Operation::LoadGenericTable
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(lines: &[&[u8]]) -> Wishes {
        let mut wishes = Wishes::default();
        lines.iter().for_each(|line| wishes.hear(line));
        wishes
    }

    #[test]
    fn words_count_in_every_spelling() {
        let both = Wishes {
            said: true,
            credentials: true,
            signing: true,
        };
        for lines in [
            &[b"vended-credentials,remote-signing".as_slice()] as &[&[u8]],
            &[b" Remote-Signing , VENDED-CREDENTIALS,x"],
            &[b"vended-credentials", b"remote-signing"],
        ] {
            assert_eq!(wishes(lines), both);
        }
        let said = Wishes {
            said: true,
            ..Wishes::default()
        };
        assert_eq!(wishes(&[b"client-managed"]), said);
        assert_eq!(wishes(&[b"vended_credentials \xff"]), said);
        assert_eq!(wishes(&[]), Wishes::default());
    }

    #[test]
    fn silence_is_a_wish_to_some() {
        let silent = Wishes::default();
        assert!(
            silent.heard_by(Kind::Nessie).signing && silent.heard_by(Kind::Lakekeeper).credentials
        );
        assert_eq!(silent.heard_by(Kind::Polaris), silent);
        assert_eq!(silent.heard_by(Kind::Iceberg), silent);
        assert_eq!(silent.header(Kind::Nessie), Some("client-managed"));
        assert_eq!(silent.header(Kind::Polaris), None);
    }
}
