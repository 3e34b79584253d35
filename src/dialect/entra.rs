//! Microsoft Entra ID: the on-behalf-of flow. Built from its documentation (learn.microsoft.com/entra/identity-platform,
//! pages v2-oauth2-on-behalf-of-flow, access-token-claims-reference, reference-error-codes, certificate-credentials) and
//! not run.

use super::errors::{COMMON, ErrorRow, OWN_ACCOUNT, any, starting};
use super::{
    AssertionAudience, ClientCredentials, ClientDialect, ClientMethod, Dialect, EnginesWord,
    Exchange, Forms, Meaning, Misconfiguration, Parameter, SubjectTokenType, Targets, Tokens,
};
use crate::oauth::ExchangeWords;

pub(super) const DIALECT: Dialect = Dialect {
    name: "entra",
    title: "Entra",
    exchange: Exchange {
        words: ExchangeWords::ON_BEHALF_OF,
        subject_token_type: SubjectTokenType::None,
        targets: BY_SCOPE,
        requested_token_type: Parameter::Never(
            "Entra's on-behalf-of flow gives access tokens, and has a use for it with SAML alone",
        ),
        actor_token: Err("Entra's on-behalf-of flow knows no actor"),
        others_tokens: Err("Entra's on-behalf-of flow takes the tokens of its own tenant alone"),
        issued_token_type: false,
        errors: &[ON_BEHALF_OF, RESOURCE, COMMON],
    },
    client_credentials: ClientCredentials {
        targets: BY_SCOPE,
        errors: &[RESOURCE, OWN_ACCOUNT, COMMON],
    },
    engines_word: EnginesWord {
        assertion: Err(OWN_TOKEN),
        impersonation: Err(OWN_TOKEN),
    },
    client: ClientDialect {
        // private_key_jwt takes an assertion under PS256 that names a certificate (x5t#S256), which the gate does not make.
        methods: &[ClientMethod::SecretBasic, ClientMethod::SecretPost],
        assertion_audience: AssertionAudience::TokenEndpoint,
    },
    tokens: Tokens {
        // `sub` is another one for each application; `oid` is the same for all of a tenant's.
        subject_claim: "oid",
        same: &["tid"],
        name_claim: "preferred_username",
        // A user's `sub` is made for one application, and no `oid`.
        program: Some(("sub", "oid")),
        access_token: None,
        issuer_ends: Some((
            "/v2.0",
            "tokens for the gate must be of version 2.0 (api.requestedAccessTokenVersion: 2 in the manifest of its \
             application), since the metadata of version 1.0 leads to a token endpoint on another host",
        )),
        // The resource's manifest tells the version of its tokens, whichever endpoint was asked.
        issuer: Forms(&[
            ("https://login.microsoftonline.com/", "/v2.0"),
            ("https://sts.windows.net/", "/"),
        ]),
    },
};

const OWN_TOKEN: &str = "Entra's on-behalf-of flow needs the person's own token, and no grant of Entra takes another's \
                         word; let the engine hand on its users' tokens";

const BY_SCOPE: Targets = Targets {
    audience: Parameter::Never("Entra takes no audience: scope names the resource"),
    resource: Parameter::Never("Entra takes no resource: scope names it"),
    scope: Parameter::Required(
        "Entra gives a token for the resource that scope names, as in api://catalog/.default",
    ),
};

/// What is about the resource that `scope` names.
const RESOURCE: &[ErrorRow] = &[
    // "The target resource is invalid because it doesn't exist, Microsoft Entra ID can't find it, or it's not correctly
    // configured."
    any("invalid_resource", SCOPE),
    any("consent_required", SCOPE),
];

/// Microsoft asks clients to go by `error` and never by the description; its codes (`AADSTS...`) are looked at only
/// where that cannot tell an administrator's fault from the caller's, and then as one that may no longer be there.
const ON_BEHALF_OF: &[ErrorRow] = &[
    // Multi-factor authentication, a Conditional Access policy: "the middle-tier service should surface this error".
    any("interaction_required", Meaning::InteractionRequired),
    any("login_required", Meaning::InteractionRequired),
    // "The user or administrator has not consented to use the application".
    starting(400, "invalid_grant", "AADSTS65001", SCOPE),
    // The user is not assigned to the resource, which demands it.
    starting(400, "invalid_grant", "AADSTS50105", Meaning::Forbidden),
    // Expired, revoked, for another application; AADSTS50013 and AADSTS500133 among them.
    any("invalid_grant", Meaning::CallerRefused),
    // "Protocol error, such as a missing required parameter."
    any(
        "invalid_request",
        Meaning::Misconfigured(Misconfiguration::Parameters),
    ),
];

const SCOPE: Meaning = Meaning::Misconfigured(Misconfiguration::Scope);
