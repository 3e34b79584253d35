//! Keycloak, as watched in runs of 26.7.3: the standard token exchange, the JWT authorization grant, and the
//! impersonation of its legacy token exchange.

use super::errors::{
    COMMON, EXCHANGE, ErrorRow, OWN_ACCOUNT, WITHOUT_TOKEN, any, exactly, starting,
};
use super::rfc8693::{ANYTHING, NOBODY_IN_PARTICULAR};
use super::{
    AssertionAudience, ClientCredentials, ClientDialect, ClientMethod, Dialect, EnginesWord,
    Exchange, Forms, Meaning, Misconfiguration, Parameter, SubjectTokenType, Targets, Tokens, Word,
    WordGrant,
};
use crate::oauth::ExchangeWords;

pub(super) const DIALECT: Dialect = Dialect {
    name: "keycloak",
    title: "Keycloak",
    exchange: Exchange {
        words: ExchangeWords::RFC8693,
        subject_token_type: SubjectTokenType::AccessToken,
        targets: Targets {
            audience: NOBODY_IN_PARTICULAR,
            // 26.7 ignores it.
            resource: Parameter::Optional,
            scope: Parameter::Optional,
        },
        requested_token_type: Parameter::Optional,
        actor_token: Err("Keycloak 26.7 ignores actor_token"),
        others_tokens: Err(
            "Keycloak's standard token exchange takes the tokens of its own realm alone",
        ),
        // It is there in every answer that was watched; the token itself is checked.
        issued_token_type: false,
        errors: &[STANDARD, EXCHANGE, COMMON],
    },
    client_credentials: ClientCredentials {
        targets: ANYTHING,
        errors: &[TARGETS, OWN_ACCOUNT, COMMON],
    },
    engines_word: EnginesWord {
        assertion: Ok(Word {
            grant: WordGrant::JwtBearer,
            targets: Targets {
                audience: Parameter::Never(
                    "Keycloak's JWT authorization grant ignores it: the client's scopes tell the audience",
                ),
                resource: Parameter::Never(
                    "Keycloak's JWT authorization grant ignores it: the client's scopes tell the audience",
                ),
                scope: Parameter::Optional,
            },
            errors: &[ASSERTION, TARGETS, WITHOUT_TOKEN, COMMON],
        }),
        impersonation: Ok(Word {
            grant: WordGrant::RequestedSubject,
            targets: ANYTHING,
            errors: &[IMPERSONATION, TARGETS, WITHOUT_TOKEN, COMMON],
        }),
    },
    client: ClientDialect {
        methods: &ClientMethod::ALL,
        // The token endpoint is taken too.
        assertion_audience: AssertionAudience::Issuer,
    },
    tokens: Tokens {
        subject_claim: "sub",
        same: &[],
        name_claim: "preferred_username",
        program: None,
        // The realm's key signs ID tokens, refresh tokens, logout tokens and action tokens too.
        access_token: Some(("typ", "Bearer")),
        issuer_ends: None,
        issuer: Forms(&[]),
    },
};

/// The standard token exchange says `invalid_request` for a bad caller's token, for an audience that is refused and for
/// a malformed request, `invalid_client` for us (401, or 400 when we signed an assertion) and for the target (400), and
/// `access_denied` for a caller and for a whole realm. So status, code and description decide together, and an
/// `invalid_request` is the caller's only when its description is exactly the known one: the text of
/// a later version errs on the side of "our fault".
///
/// What is not here: our own credential, 401 `unauthorized_client` for a wrong secret, 401 `invalid_client` for an
/// unknown client, 400 `invalid_client` for an assertion of ours; and `Client is not within the token audience`, which
/// is about the caller's token.
const STANDARD: &[ErrorRow] = &[
    exactly(
        400,
        "invalid_request",
        "Invalid token",
        Meaning::CallerRefused,
    ),
    // `Requested audience not available: catalog2`
    starting(
        400,
        "invalid_request",
        "Requested audience not available",
        TARGET,
    ),
    // `duplicated parameter`, `Parameter '...' ...`, `requested_token_type unsupported`,
    // `Standard token exchange is not enabled for the requested client`
    any("invalid_request", PARAMETERS),
    // The target client, not us.
    exactly(400, "invalid_client", "Audience not found", TARGET),
    exactly(400, "invalid_client", "Client disabled", TARGET),
    exactly(
        400,
        "invalid_client",
        "Public client is not allowed to exchange token",
        TARGET,
    ),
    exactly(403, "access_denied", "Realm not enabled", ENDPOINT),
    exactly(
        403,
        "access_denied",
        "Client not allowed to exchange",
        TARGET,
    ),
];

/// What is about the target and the realm under every grant.
const TARGETS: &[ErrorRow] = &[
    exactly(400, "invalid_client", "Audience not found", TARGET),
    exactly(403, "access_denied", "Realm not enabled", ENDPOINT),
];

/// The JWT authorization grant says `invalid_grant` for everything. These are about the person whom the assertion names;
/// the others are about the assertion, its key or a switch of our client.
const ASSERTION: &[ErrorRow] = &[
    exactly(400, "invalid_grant", "User not found", Meaning::Forbidden),
    exactly(
        400,
        "invalid_grant",
        "User is not enabled",
        Meaning::Forbidden,
    ),
    exactly(
        400,
        "invalid_grant",
        "Account is not fully set up",
        Meaning::Forbidden,
    ),
];

/// Impersonation has one answer for a user who is unknown, disabled or not to be impersonated, and for a client that may
/// impersonate nobody.
const IMPERSONATION: &[ErrorRow] = &[exactly(
    403,
    "access_denied",
    "Client not allowed to exchange",
    Meaning::Forbidden,
)];

const TARGET: Meaning = Meaning::Misconfigured(Misconfiguration::Target);
const PARAMETERS: Meaning = Meaning::Misconfigured(Misconfiguration::Parameters);
const ENDPOINT: Meaning = Meaning::Misconfigured(Misconfiguration::Endpoint);
