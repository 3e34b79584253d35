//! Programs, for whom they may speak, and how gate tokens are got for them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::{CatalogId, Client, ContextId, Endpoint, IssuerId, Profile, TenantId, WhoId};
use crate::dialect::Word;
use crate::iceberg::OperationSet;
use crate::jose::{self, SigningKey};

/// Position of a service in [`Config::services`](super::Config::services).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(pub u16);

/// A program that may call. Programs that are not listed are refused.
#[derive(Debug)]
pub struct Service {
    /// Its key in the file.
    pub name: Rc<str>,
    /// Whose tokens it has.
    pub issuer: IssuerId,
    /// It is whoever matches one of these. Sorted, never empty; none of them is about the client alone, which also
    /// stands in the tokens of people who log in through it.
    pub who: Box<[WhoId]>,
    /// The client that its tokens were issued to, beside that: `client_id` at the token endpoint.
    pub client: Option<Rc<str>>,
    /// What the certificate of its connection must name: a URI or DNS name of its subject alternative names.
    pub peer: Option<Rc<str>>,
    /// The tenants within whose borders it calls, beside those whose people it is one of. Sorted.
    pub tenants: Box<[TenantId]>,
    /// What it may do; all else is refused.
    pub may: OperationSet,
    /// The operations that reach the catalog with an account of its own there, in place of its exchanged token.
    pub by_own_account: OperationSet,
    /// How tokens of that account are got, by tenant (`None` without tenants) and catalog; where there is none, those
    /// operations are refused.
    pub own_account: BTreeMap<(Option<TenantId>, CatalogId), ContextId>,
    /// For whom its word is taken at the token endpoint.
    pub speaks_for: Option<SpeaksFor>,
}

/// For whom a program's word is taken: whom it says that it acts for, without a token of that person.
#[derive(Debug)]
pub struct SpeaksFor {
    /// How the identity provider is made to give a token of that person.
    pub by: SpeaksBy,
    /// The person must be of one of these tenants. Sorted; empty without tenants.
    pub tenants: Box<[TenantId]>,
    /// The person must match one of these, unless there is none. Sorted.
    pub who: Box<[WhoId]>,
    /// The only names that it may say; `None`: any.
    pub names: Option<BTreeSet<Box<str>>>,
    /// Names that it may never say, in lower case and compared so.
    pub never: BTreeSet<Box<str>>,
    /// What the identity provider knows the person by: the name between these two.
    pub subject: (Box<str>, Box<str>),
    /// Its word must be a JWT that this issuer signed; `None`: it is unsigned.
    pub signed_by: Option<IssuerId>,
}

/// How the identity provider is made to give a token of a person of whom there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpeaksBy {
    /// The gate signs an assertion (RFC 7523 section 2.1).
    Assertion,
    /// The gate's client is allowed to impersonate (Keycloak's `requested_subject`).
    Impersonation,
}

impl SpeaksBy {
    /// How a server of this profile takes an engine's word in this way.
    ///
    /// # Errors
    ///
    /// Why it does not; continues "is not possible with profile ...; ".
    pub fn word(self, profile: Profile) -> Result<&'static Word, &'static str> {
        let word = &profile.dialect().engines_word;
        let way = match self {
            Self::Assertion => &word.assertion,
            Self::Impersonation => &word.impersonation,
        };
        way.as_ref().map_err(|reason| *reason)
    }
}

/// A private key of the gate's own, with which it signs assertions. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct OwnKey {
    /// `kid`.
    pub id: Rc<str>,
    /// What signs.
    pub key: Rc<dyn SigningKey>,
}

impl fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnKey")
            .field("id", &self.id)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// How gate tokens are got at an issuer: what the token endpoint of catalogs gives.
#[derive(Debug)]
pub struct GateTokens {
    /// The gate's client for them, another one than that which exchanges for catalogs; without it only engines' own
    /// logins are answered.
    pub client: Option<Client>,
    /// `audience` parameters of what it asks for.
    pub audiences: Vec<String>,
    /// `resource` parameters of what it asks for.
    pub resources: Vec<String>,
    /// What clients may ask for, each with what the identity provider is asked for in its place; nothing is asked for
    /// where that is empty.
    pub scopes: BTreeMap<Box<str>, Box<str>>,
    /// Where engines log in with their own id and secret: never a cluster that adds a credential.
    pub login: Endpoint,
    /// How long the answer to such a login is kept, at most a minute.
    pub remember: Duration,
    /// Longest life that clients are told of, and for which an engine's word is remembered.
    pub life: Duration,
    /// Longest time from the login to the last refresh; where tokens do not tell, from the first one that was given here.
    pub session: Duration,
    /// The identity provider is told which engine acts for a person.
    pub delegation: bool,
    /// The gate's own assertions.
    pub assertion: Option<AssertionRule>,
}

/// The assertions that the gate signs (RFC 7523 section 3).
#[derive(Debug)]
pub struct AssertionRule {
    /// `iss`.
    pub issuer: Rc<str>,
    /// `aud`.
    pub audience: Rc<str>,
    /// The gate's own keys: the first signs, and all are in its key set. Never empty.
    pub keys: Vec<OwnKey>,
    /// From `iat` to `exp`, at most a minute.
    pub life: Duration,
    /// Where the gate serves its key set; an exact path.
    pub jwks_path: Option<Rc<str>>,
}

impl AssertionRule {
    /// The public halves of its keys, as a JWK Set (RFC 7517 section 5).
    pub fn key_set(&self) -> String {
        let keys: Vec<_> = self.keys.iter().map(|own| (&*own.id, &*own.key)).collect();
        jose::key_set(&keys)
    }
}
