//! Conditions on callers.

use crate::config::fault::{Faults, Path, nearest};
use crate::config::file::{File, WhoBlock};
use crate::config::model::{ClaimPath, IssuerId, WhoId, Whos};

/// The issuers by their names.
pub(super) struct Issuers<'a>(Vec<&'a str>);

impl<'a> Issuers<'a> {
    pub(super) fn of(file: &'a File) -> Self {
        let named = file.issuers.iter().flat_map(|issuers| &issuers.0);
        Self(named.map(|(name, _)| &**name).collect())
    }

    pub(super) fn name(&self, id: IssuerId) -> &'a str {
        self.0.get(usize::from(id.0)).copied().unwrap_or("-")
    }

    fn find(&self, name: &str, path: Path<'_>, faults: &mut Faults) -> Option<IssuerId> {
        let found = self
            .0
            .iter()
            .zip(0_u16..)
            .find(|(known, _)| **known == name);
        match found {
            Some((_, number)) => Some(IssuerId(number)),
            None => {
                let hint = nearest(name, self.0.iter().copied())
                    .map(|meant| format!("; did you mean {meant}?"))
                    .unwrap_or_default();
                faults.refuse(path, format!("names no issuer of this configuration{hint}"))
            }
        }
    }
}

/// The numbers of a condition, one for each of its values, and its issuer. `implied`: the issuer where none
/// is written.
pub(super) fn who(
    block: &WhoBlock,
    path: Path<'_>,
    implied: Option<IssuerId>,
    issuers: &Issuers<'_>,
    whos: &mut Whos,
    faults: &mut Faults,
) -> (Option<IssuerId>, Vec<WhoId>) {
    let issuer = match &block.issuer {
        Some(Some(name)) => issuers.find(name, path.member("issuer"), faults),
        Some(None) if implied.is_some() => implied,
        Some(None) => faults.refuse(
            path.member("issuer"),
            "must be set; a claim means what its issuer means by it",
        ),
        None => None,
    };
    let (Some(claim), Some(has), Some(sub)) = (&block.claim, &block.has, &block.sub) else {
        return (issuer, Vec::new());
    };
    let (claim, values) = match (claim, has, sub) {
        (Some(claim), Some(has), None) => (claim.clone(), has),
        (None, None, Some(sub)) => (ClaimPath::from("sub"), sub),
        (Some(_), None, None) => {
            faults.add(
                path.member("has"),
                "must be set with claim; a claim's value decides",
            );
            return (issuer, Vec::new());
        }
        (None, Some(_), None) => {
            faults.add(
                path.member("claim"),
                "must be set with has; it says whose value it is",
            );
            return (issuer, Vec::new());
        }
        _ => {
            faults.add(path, "must have claim and has, or sub alone");
            return (issuer, Vec::new());
        }
    };
    let Some(id) = issuer else {
        return (None, Vec::new());
    };
    let numbers = values
        .0
        .iter()
        .map(|value| whos.add(id, &claim, &value.0))
        .collect();
    (issuer, numbers)
}
