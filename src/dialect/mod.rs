//! Identity providers' manners of speaking, as data: one record for each profile.
//!
//! A record says which grants the server has, what their parameters are called and which must be there, how the gate's
//! client may prove itself, what an answer must have, and what each error means. What reads the records (the loader, the
//! exchange, the check of who calls) has no code for any one vendor. What each was built from stands in its file;
//! `docs/identity-providers.md` tells which were run.

mod auth0;
mod entra;
mod errors;
mod keycloak;
mod okta;
mod rfc8693;

pub use errors::{ErrorRow, ErrorTable, Meaning, Misconfiguration, meaning};

use crate::oauth::ExchangeWords;

/// A profile: the word by which the configuration names a dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// Keycloak's standard token exchange (26.2 and later).
    Keycloak,
    /// Any server that follows RFC 8693 and RFC 6749 to the letter.
    Rfc8693,
    /// Microsoft Entra ID's on-behalf-of flow.
    Entra,
    /// Okta's on-behalf-of token exchange, with custom authorization servers.
    Okta,
    /// Auth0's on-behalf-of and custom token exchange.
    Auth0,
}

impl Profile {
    /// Every profile, in the order in which they are listed.
    pub const ALL: [Self; 5] = [
        Self::Keycloak,
        Self::Rfc8693,
        Self::Entra,
        Self::Okta,
        Self::Auth0,
    ];

    /// The profile of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.dialect().name == name)
    }

    /// How it speaks.
    pub const fn dialect(self) -> &'static Dialect {
        match self {
            Self::Keycloak => &keycloak::DIALECT,
            Self::Rfc8693 => &rfc8693::DIALECT,
            Self::Entra => &entra::DIALECT,
            Self::Okta => &okta::DIALECT,
            Self::Auth0 => &auth0::DIALECT,
        }
    }
}

/// An identity provider's manner of speaking.
#[derive(Debug)]
pub struct Dialect {
    /// Its name in the configuration.
    pub name: &'static str,
    /// How it is called in sentences.
    pub title: &'static str,
    /// How a caller's token becomes one for somebody else.
    pub exchange: Exchange,
    /// How a client gets a token of its own (RFC 6749 section 4.4).
    pub client_credentials: ClientCredentials,
    /// How an engine's word about a person becomes a token of that person.
    pub engines_word: EnginesWord,
    /// How the gate's client proves itself.
    pub client: ClientDialect,
    /// What its tokens hold.
    pub tokens: Tokens,
}

/// The exchange of a token.
#[derive(Debug)]
pub struct Exchange {
    /// `grant_type`, the name of the parameter that holds the caller's token, and what always stands beside it.
    pub words: ExchangeWords<'static>,
    /// `subject_token_type`.
    pub subject_token_type: SubjectTokenType,
    /// What the token is asked for.
    pub targets: Targets,
    /// `requested_token_type`.
    pub requested_token_type: Parameter,
    /// `actor_token` (RFC 8693 section 2.1): `Err` says why it is never sent. For people; continues "must be left out
    /// with profile ...; ".
    pub actor_token: Result<(), &'static str>,
    /// Whether tokens of other issuers are exchanged too: `Err` says why not. For people; continues "must be left out
    /// with profile ...; ".
    pub others_tokens: Result<(), &'static str>,
    /// Whether an answer without `issued_token_type` is refused.
    pub issued_token_type: bool,
    /// What its errors mean.
    pub errors: ErrorTable,
}

/// What a token request may name as that for which it asks.
#[derive(Clone, Copy, Debug)]
pub struct Targets {
    /// `audience`, once for each.
    pub audience: Parameter,
    /// `resource`, once for each.
    pub resource: Parameter,
    /// `scope`.
    pub scope: Parameter,
}

/// Whether a parameter is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// When it is configured.
    Optional,
    /// Always: a configuration without it does not load. For people; continues "must be set; ".
    Required(&'static str),
    /// Never: a configuration with it does not load. For people; continues "must be left out; ".
    Never(&'static str),
}

impl Parameter {
    /// Whether it can be sent at all.
    pub const fn is_sent(self) -> bool {
        !matches!(self, Self::Never(_))
    }
}

/// What `subject_token_type` says of a caller's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectTokenType {
    /// It is not sent.
    None,
    /// An access token.
    AccessToken,
    /// An access token, unless the configuration says otherwise; a type of its own must not begin with any of these.
    Configurable {
        /// Beginnings that the server keeps for itself.
        reserved: &'static [&'static str],
    },
}

/// The client credentials grant.
#[derive(Debug)]
pub struct ClientCredentials {
    /// What the token is asked for.
    pub targets: Targets,
    /// What its errors mean.
    pub errors: ErrorTable,
}

/// The two ways to a token of a person of whom there is none; `Err` says why a way is not there. For people; continues
/// "is not possible with profile ...; ".
#[derive(Debug)]
pub struct EnginesWord {
    /// The gate signs an assertion.
    pub assertion: Result<Word, &'static str>,
    /// The gate's client is allowed to impersonate.
    pub impersonation: Result<Word, &'static str>,
}

/// A grant that takes a name in place of a person's token.
#[derive(Debug)]
pub struct Word {
    /// Its request.
    pub grant: WordGrant,
    /// What the token is asked for.
    pub targets: Targets,
    /// What its errors mean.
    pub errors: ErrorTable,
}

/// The request of such a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordGrant {
    /// RFC 7523 section 2.1: `assertion`.
    JwtBearer,
    /// A token exchange (RFC 8693) whose subject token is the assertion, under the client's own `subject_token_type`.
    SubjectToken,
    /// Keycloak's `requested_subject`.
    RequestedSubject,
}

/// How the gate's client proves itself. HTTP Basic, which is the default, is taken by every server here.
#[derive(Debug)]
pub struct ClientDialect {
    /// The methods that the server takes.
    pub methods: &'static [ClientMethod],
    /// `aud` of a client assertion.
    pub assertion_audience: AssertionAudience,
}

/// A method of client authentication, by its name in the IANA registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientMethod {
    /// `client_secret_basic`: HTTP Basic (RFC 6749 section 2.3.1).
    SecretBasic,
    /// `client_secret_post`: in the body (RFC 6749 section 2.3.1).
    SecretPost,
    /// `private_key_jwt`: an assertion that the client signs (RFC 7523 section 2.2).
    PrivateKeyJwt,
    /// `tls_client_auth`: the certificate of the connection (RFC 8705 section 2.1), which Envoy's cluster holds.
    TlsClientAuth,
}

impl ClientMethod {
    /// Every method, in the order in which they are listed.
    pub const ALL: [Self; 4] = [
        Self::SecretBasic,
        Self::SecretPost,
        Self::PrivateKeyJwt,
        Self::TlsClientAuth,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SecretBasic => "client_secret_basic",
            Self::SecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
        }
    }
}

/// As whom a server takes itself in `aud` of a client assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssertionAudience {
    /// Its issuer URL.
    Issuer,
    /// The URL of its token endpoint.
    TokenEndpoint,
}

/// What a server's tokens hold.
#[derive(Debug)]
pub struct Tokens {
    /// The claim that names the same person towards every client.
    pub subject_claim: &'static str,
    /// Claims that say beside it who the person is: where the caller's token has one, the minted one must have the same.
    pub same: &'static [&'static str],
    /// The claim that names a person for people.
    pub name_claim: &'static str,
    /// Two claims that are the same text in a program's token alone, beside what marks programs everywhere.
    pub program: Option<(&'static str, &'static str)>,
    /// A claim that tells access tokens from others, and its value (without case) in access tokens. Where it is missing,
    /// a token is one.
    pub access_token: Option<(&'static str, &'static str)>,
    /// The end of the issuer's URL in callers' tokens, and why it must be that; continues "must end in ... with profile
    /// ...; ".
    pub issuer_ends: Option<(&'static str, &'static str)>,
    /// How `iss` of a minted token may be written.
    pub issuer: Forms,
}

/// The forms in which a server writes one issuer: what stands before and after its tenant. Callers' tokens have the
/// configured one; a minted token may have any, for the same tenant.
#[derive(Clone, Copy, Debug)]
pub struct Forms(pub &'static [(&'static str, &'static str)]);

impl Forms {
    /// Whether `iss` of a minted token is the `configured` issuer.
    pub fn are_one(self, configured: &str, iss: &str) -> bool {
        let tenant = |url: &'_ str| {
            let of = |(before, after): &(&str, &str)| {
                let tenant = url.strip_prefix(before)?.strip_suffix(after)?;
                (!tenant.is_empty() && !tenant.contains('/')).then(|| tenant.to_owned())
            };
            self.0.iter().find_map(of)
        };
        configured == iss || tenant(configured).is_some_and(|own| tenant(iss) == Some(own))
    }
}

#[cfg(test)]
mod tests;
