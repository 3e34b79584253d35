//! What the errors of a token endpoint mean, as tables.

/// Whose fault an error is, and what may be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The caller's token is bad in the eyes of its issuer; a fresh one helps.
    CallerRefused,
    /// The caller must sign in again, and prove more than before.
    InteractionRequired,
    /// The exchange is not made for this caller; a fresh token of the same kind does not help.
    Forbidden,
    /// The gate's own client or its credential was refused.
    ClientRefused,
    /// What the gate asks for was refused.
    Misconfigured(Misconfiguration),
    /// The server says that it does not work.
    ServerError,
}

/// Which setting the identity provider refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Misconfiguration {
    /// `audience` or `resource`: unknown, disabled, or not given to our client. Some servers make it
    /// depend on the caller's roles too.
    Target,
    /// `scope`: unknown, not linked to our client, or not consented to by this caller.
    Scope,
    /// Other parameters, the grant type, or a switch of our client: the exchange as such.
    Parameters,
    /// The path: no token endpoint there, no such realm, or one that is disabled.
    Endpoint,
}

/// One row: an error is meant by the first whose three conditions it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorRow {
    /// The status; `None`: any 4xx. Real servers differ in it, and the code is the more exact word.
    pub status: Option<u16>,
    /// `error`, exactly.
    pub error: &'static str,
    /// `error_description`.
    pub description: Description,
    /// What it means.
    pub meaning: Meaning,
}

/// A condition on `error_description`. What a table needs of it is compared and then dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Description {
    /// Any, or none.
    Any,
    /// Exactly this.
    Is(&'static str),
    /// It begins with this.
    Starts(&'static str),
}

/// Lists of rows, one after the other.
pub type ErrorTable = &'static [&'static [ErrorRow]];

impl ErrorRow {
    /// Whether an error meets the conditions.
    pub fn is_about(&self, status: u16, error: &str, description: &str) -> bool {
        self.status.is_none_or(|own| own == status)
            && self.error == error
            && match self.description {
                Description::Any => true,
                Description::Is(text) => description == text,
                Description::Starts(text) => description.starts_with(text),
            }
    }
}

/// What an error means; `None` when no row is about it.
pub fn meaning(table: ErrorTable, status: u16, error: &str, description: &str) -> Option<Meaning> {
    let mut rows = table.iter().copied().flatten();
    let row = rows.find(|row| row.is_about(status, error, description))?;
    Some(row.meaning)
}

/// A row for every status and description.
pub(super) const fn any(error: &'static str, meaning: Meaning) -> ErrorRow {
    ErrorRow {
        status: None,
        error,
        description: Description::Any,
        meaning,
    }
}

/// A row for one status and one description.
pub(super) const fn exactly(
    status: u16,
    error: &'static str,
    description: &'static str,
    meaning: Meaning,
) -> ErrorRow {
    ErrorRow {
        status: Some(status),
        error,
        description: Description::Is(description),
        meaning,
    }
}

/// A row for one status and every description that begins so.
pub(super) const fn starting(
    status: u16,
    error: &'static str,
    description: &'static str,
    meaning: Meaning,
) -> ErrorRow {
    ErrorRow {
        status: Some(status),
        error,
        description: Description::Starts(description),
        meaning,
    }
}

/// The codes of RFC 6749 sections 4.1.2.1 and 5.2 that mean the same under every grant, RFC 8693 section 2.2.2, and
/// RFC 8707 section 2.
pub(super) const COMMON: &[ErrorRow] = &[
    // RFC 6749: authentication failed; or authenticated, but not for this grant type.
    any("invalid_client", Meaning::ClientRefused),
    any("unauthorized_client", Meaning::ClientRefused),
    // RFC 8693: unwilling or unable to issue a token for the `resource` or `audience`.
    any(
        "invalid_target",
        Meaning::Misconfigured(Misconfiguration::Target),
    ),
    any(
        "invalid_scope",
        Meaning::Misconfigured(Misconfiguration::Scope),
    ),
    any(
        "unsupported_grant_type",
        Meaning::Misconfigured(Misconfiguration::Parameters),
    ),
    // RFC 6749 section 4.1.2.1, used by several servers for an exchange that policy denies.
    any("access_denied", Meaning::Forbidden),
    // The same section.
    any("server_error", Meaning::ServerError),
    any("temporarily_unavailable", Meaning::ServerError),
];

/// An exchange: what is wrong with the grant is wrong with the caller's token.
pub(super) const EXCHANGE: &[ErrorRow] = &[
    // RFC 6749: "the provided authorization grant ... is invalid, expired, revoked".
    any("invalid_grant", Meaning::CallerRefused),
    // RFC 8693: the code when "either the subject_token or actor_token are invalid for any
    // reason". It also stands for a parameter that is missing or repeated; what we send is
    // fixed by the configuration, so one that works for anybody is well-formed.
    any("invalid_request", Meaning::CallerRefused),
];

/// A client's own token: nobody else is in the request, so whatever is refused is the client's.
pub(super) const OWN_ACCOUNT: &[ErrorRow] = &[
    any("invalid_grant", Meaning::ClientRefused),
    any("access_denied", Meaning::ClientRefused),
    any(
        "invalid_request",
        Meaning::Misconfigured(Misconfiguration::Parameters),
    ),
];

/// An engine's word at a server of which nothing more is known: what is wrong with the grant is wrong with the person
/// (RFC 7523 section 3.1 has no other code for an assertion about somebody who is unknown).
pub(super) const WORD: &[ErrorRow] = &[any("invalid_grant", Meaning::Forbidden)];

/// An engine's word: no caller's token is sent. What is wrong with such a request is for the operator.
pub(super) const WITHOUT_TOKEN: &[ErrorRow] = &[
    any(
        "invalid_grant",
        Meaning::Misconfigured(Misconfiguration::Parameters),
    ),
    any(
        "invalid_request",
        Meaning::Misconfigured(Misconfiguration::Parameters),
    ),
];
