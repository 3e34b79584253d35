//! Nessie's expressions in the place of a table's or view's name.
//!
//! Source: `TableReference` and `Validation` of Nessie's model, and Nessie 0.99 watched: a table that is
//! created as `t@dev` below the prefix `main|warehouse` is `t` on the branch `dev`.

use super::fault::faults;

/// The parts of `name`, `name@reference`, and either in quotes.
///
/// What Nessie makes of the parts differs by operation: a path, a create and a register go to
/// `reference`; a rename goes to the source's, whatever the destination says; a transaction takes the
/// whole text for the name, and finds no such table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NessieName<'t> {
    /// The very name of the table or view.
    pub name: &'t str,
    /// The branch or tag, where the text has one; otherwise the prefix decides.
    pub reference: Option<&'t str>,
}

faults! {
    /// Why a name is no expression that can be decided on.
    pub enum NessieNameFault;

    /// `t#hash`, `t#timestamp`: what stood at a commit or time that nobody can tell by looking at it.
    Hash = "nessie_name_hash",
        "the table's name has a '#' and a commit or time; only a branch or tag can be named";
    /// Nothing before or after an `@`, a second one, or nothing at all.
    Form = "nessie_name_form",
        "the table's name is not of the form name@reference";
    /// Not a name that a branch or tag can have.
    Reference = "nessie_name_reference",
        "the table's name has a reference that is no name of a branch or tag";
}

impl<'t> NessieName<'t> {
    /// Reads a name, decoded or out of a body.
    ///
    /// # Errors
    /// One [`NessieNameFault`]; Nessie would refuse most of them, too.
    pub fn parse(text: &'t str) -> Result<Self, NessieNameFault> {
        let text = unquoted(text);
        if text.contains('#') {
            return Err(NessieNameFault::Hash);
        }
        let (name, reference) = match text.split_once('@') {
            Some((name, reference)) => (name, Some(reference)),
            None => (text, None),
        };
        if name.is_empty() || reference.is_some_and(|text| text.is_empty() || text.contains('@')) {
            return Err(NessieNameFault::Form);
        }
        if !reference.is_none_or(is_reference) {
            return Err(NessieNameFault::Reference);
        }
        Ok(Self { name, reference })
    }
}

/// One pair of quotes is taken off, as Spark leaves them around `'t@branch'`.
fn unquoted(text: &str) -> &str {
    ['`', '\'']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text)
}

/// A letter, then letters, digits and `./_-`; no `..`, and no dot or slash at the end. Nessie also has
/// `-`, another spelling of the default branch: not here, since it would be a second name of one branch.
fn is_reference(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && !text.ends_with(['.', '/'])
        && !text.contains("..")
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"./_-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::{NessieName, NessieNameFault as Fault};

    #[test]
    fn expressions() {
        type Parts = Result<(&'static str, Option<&'static str>), Fault>;
        let table: [(&str, Parts); 24] = [
            ("t", Ok(("t", None))),
            ("t@dev", Ok(("t", Some("dev")))),
            ("`t`", Ok(("t", None))),
            ("'t@dev'", Ok(("t", Some("dev")))),
            ("`t@feature/x_1.2-b`", Ok(("t", Some("feature/x_1.2-b")))),
            ("''t''", Ok(("'t'", None))),
            ("'t`", Ok(("'t`", None))),
            ("it's", Ok(("it's", None))),
            // A quote alone is no pair; Nessie's own reader fails on it.
            ("'", Ok(("'", None))),
            ("'@dev", Ok(("'", Some("dev")))),
            ("", Err(Fault::Form)),
            ("''", Err(Fault::Form)),
            ("@dev", Err(Fault::Form)),
            ("t@", Err(Fault::Form)),
            ("t@a@b", Err(Fault::Form)),
            ("t#1122334455667788", Err(Fault::Hash)),
            ("t@dev#2026-01-01T00:00:00Z", Err(Fault::Hash)),
            ("'t#x'", Err(Fault::Hash)),
            ("t@-", Err(Fault::Reference)),
            ("t@1dev", Err(Fault::Reference)),
            ("t@a..b", Err(Fault::Reference)),
            ("t@dev/", Err(Fault::Reference)),
            ("t@dev.", Err(Fault::Reference)),
            ("t@d|other", Err(Fault::Reference)),
        ];
        for (text, expected) in table {
            let parts = NessieName::parse(text).map(|parts| (parts.name, parts.reference));
            assert_eq!(parts, expected, "{text}");
        }
    }
}
