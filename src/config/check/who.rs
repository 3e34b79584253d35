//! Conditions on callers.

use super::surroundings::Surroundings;
use crate::config::fault::{Faults, Path};
use crate::config::file::WhoBlock;
use crate::config::model::{ClaimPath, IssuerId, WhoId};

/// The issuer of a condition that names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Implied {
    /// It must be named.
    None,
    /// It is this one.
    Is(IssuerId),
    /// What would say so is faulty, and has been reported.
    Unsure,
}

impl Surroundings<'_> {
    /// The numbers of a condition, one for each of its values, are added to `found`; gives its issuer.
    pub(super) fn who(
        &mut self,
        block: &WhoBlock,
        path: Path<'_>,
        implied: Implied,
        found: &mut Vec<WhoId>,
        faults: &mut Faults,
    ) -> Option<IssuerId> {
        let issuer = match (&block.issuer, implied) {
            (Some(Some(name)), _) => self.issuer(name, path.member("issuer"), faults),
            (Some(None), Implied::Is(issuer)) => Some(issuer),
            (Some(None), Implied::None) => faults.refuse(
                path.member("issuer"),
                "must be set; a claim means what its issuer means by it",
            ),
            (Some(None), Implied::Unsure) | (None, _) => None,
        };
        let (Some(claim), Some(has), Some(sub)) = (&block.claim, &block.has, &block.sub) else {
            return issuer;
        };
        let by_sub;
        let (claim, values) = match (claim, has, sub) {
            (Some(claim), Some(has), None) => (claim, has),
            (None, None, Some(sub)) => {
                by_sub = ClaimPath::from("sub");
                (&by_sub, sub)
            }
            (Some(_), None, None) => {
                faults.add(
                    path.member("has"),
                    "must be set with claim; a claim's value decides",
                );
                return issuer;
            }
            (None, Some(_), None) => {
                faults.add(
                    path.member("claim"),
                    "must be set with has; it says whose value it is",
                );
                return issuer;
            }
            _ => {
                faults.add(path, "must have claim and has, or sub alone");
                return issuer;
            }
        };
        if let Some(id) = issuer {
            let whos = &mut self.whos;
            found.extend(values.0.iter().map(|value| whos.add(id, claim, &value.0)));
        }
        issuer
    }

    /// The issuer of this name.
    pub(super) fn issuer(
        &self,
        name: &str,
        path: Path<'_>,
        faults: &mut Faults,
    ) -> Option<IssuerId> {
        let found = self.issuers.iter().position(|known| *known == name);
        if found.is_none() {
            let known = &mut self.issuers.iter().copied();
            faults.nobodys(path, "names no issuer of this configuration", name, known);
        }
        u16::try_from(found?).ok().map(IssuerId)
    }
}
