//! The caller: what a verified token says about who calls.

use std::fmt;

use super::{Proof, Standing};
use crate::clock::UnixTime;
use crate::config::{IssuerId, WhoId};
use crate::jose::{Claims, Fingerprint};

/// Who calls, proven by a signature. Only [`Presented::verify`](super::Presented::verify) makes one.
///
/// `Debug` shows issuer and log name, and no claims.
#[derive(Clone)]
pub struct Caller {
    pub(super) issuer: IssuerId,
    pub(super) subject: String,
    pub(super) name: String,
    pub(super) log_name: String,
    pub(super) same_person: String,
    pub(super) authorized_party: Option<String>,
    pub(super) expires: UnixTime,
    pub(super) accepted_until: UnixTime,
    pub(super) claims: Claims,
    pub(super) key: Fingerprint,
    pub(super) footprint: usize,
    pub(super) whos: Box<[WhoId]>,
    pub(super) standing: Standing,
    pub(super) proof: Proof,
}

impl Caller {
    /// The issuer that proved it.
    pub fn issuer(&self) -> IssuerId {
        self.issuer
    }

    /// `sub`: not empty, at most 1 KiB, without control characters.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The value of the issuer's `name_claim`, to the letter; `sub` where it is missing or empty. What engines call the
    /// person.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How logs and messages name the caller: safe to write between quotes, at most 128 characters. Never
    /// a key for anything: two callers may have the same.
    pub fn log_name(&self) -> &str {
        &self.log_name
    }

    /// The value of the issuer's `subject_claim`, which a minted token for this person must have too.
    pub fn same_person(&self) -> &str {
        &self.same_person
    }

    /// The client that got the token: `azp`, else `client_id`, else `appid` (Entra) or `cid` (Okta).
    pub fn authorized_party(&self) -> Option<&str> {
        self.authorized_party.as_deref()
    }

    /// `exp`, to the letter: nothing that is minted for this caller lives longer.
    pub fn expires(&self) -> UnixTime {
        self.expires
    }

    /// `exp` with the issuer's leeway: the first time at which the caller is no longer accepted.
    pub fn accepted_until(&self) -> UnixTime {
        self.accepted_until
    }

    /// Everything that the token claims.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Whether it is a person or a program.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Whether it is a program, listed or not.
    pub fn is_program(&self) -> bool {
        self.standing != Standing::Person
    }

    /// Whose word it is that the caller is who the token says.
    pub fn proof(&self) -> Proof {
        self.proof
    }

    /// Which of the configuration's conditions hold, sorted. A fact about the caller, found once.
    pub fn whos(&self) -> &[WhoId] {
        &self.whos
    }

    /// Whether a condition holds.
    pub fn is(&self, who: WhoId) -> bool {
        self.whos.binary_search(&who).is_ok()
    }

    /// Bytes that it takes in memory beyond its own size, roughly: mostly its claims.
    pub fn footprint(&self) -> usize {
        self.footprint
    }

    /// The key that proved it. When it leaves the issuer's key set, the caller is to be forgotten.
    pub fn key(&self) -> Fingerprint {
        self.key
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("issuer", &self.issuer)
            .field("log_name", &self.log_name)
            .finish_non_exhaustive()
    }
}
