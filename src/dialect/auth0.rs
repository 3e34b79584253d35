//! Auth0: the on-behalf-of token exchange, and the custom token exchange under a `subject_token_type` of one's own.
//! Built from its documentation (auth0.com/docs, on-behalf-of-token-exchange, custom-token-exchange,
//! authenticate-with-private-key-jwt) and not run.

use super::errors::{
    COMMON, EXCHANGE, ErrorRow, OWN_ACCOUNT, WITHOUT_TOKEN, any, exactly, starting,
};
use super::rfc8693::NOBODY_IN_PARTICULAR;
use super::{
    AssertionAudience, ClientCredentials, ClientDialect, ClientMethod, Dialect, EnginesWord,
    Exchange, Forms, Meaning, Misconfiguration, Parameter, SubjectTokenType, Targets, Tokens, Word,
    WordGrant,
};
use crate::oauth::ExchangeWords;

pub(super) const DIALECT: Dialect = Dialect {
    name: "auth0",
    title: "Auth0",
    exchange: Exchange {
        words: ExchangeWords::RFC8693,
        // An access token: the on-behalf-of exchange. A type of one's own: the custom one, whose Action reads the token.
        subject_token_type: SubjectTokenType::Configurable {
            reserved: &[
                "http://auth0.com",
                "https://auth0.com",
                "http://okta.com",
                "https://okta.com",
                "urn:ietf",
                "urn:auth0",
                "urn:okta",
            ],
        },
        targets: API,
        // The on-behalf-of exchange requires it.
        requested_token_type: Parameter::Optional,
        actor_token: Err(
            "Auth0's custom token exchange takes an ID token or a type of one's own as actor_token, and no access token",
        ),
        // The custom token exchange: its Action says whose.
        others_tokens: Ok(()),
        issued_token_type: false,
        errors: &[PERSONS, CLIENTS, EXCHANGE, COMMON],
    },
    client_credentials: ClientCredentials {
        targets: API,
        errors: &[CLIENTS, OWN_ACCOUNT, COMMON],
    },
    engines_word: EnginesWord {
        // The Action of the client's subject_token_type verifies the gate's signature.
        assertion: Ok(Word {
            grant: WordGrant::SubjectToken,
            targets: API,
            errors: &[PERSONS, CLIENTS, WITHOUT_TOKEN, COMMON],
        }),
        impersonation: Err(
            "Auth0 takes no name in place of a token; let the gate sign an assertion, which the Action of a custom \
             token exchange verifies",
        ),
    },
    client: ClientDialect {
        methods: &ClientMethod::ALL,
        // "The URL of the Auth0 tenant ... Include the trailing slash": its issuer.
        assertion_audience: AssertionAudience::Issuer,
    },
    tokens: Tokens {
        subject_claim: "sub",
        same: &[],
        name_claim: "sub",
        program: None,
        access_token: None,
        issuer_ends: None,
        issuer: Forms(&[]),
    },
};

const API: Targets = Targets {
    audience: NOBODY_IN_PARTICULAR,
    resource: Parameter::Never("Auth0 names an API by audience"),
    scope: Parameter::Optional,
};

/// What is about the person.
const PERSONS: &[ErrorRow] = &[
    any("mfa_required", Meaning::InteractionRequired),
    // "... (`act` claim) depth exceeds the maximum allowed limit": a fresh token through as many services is no better.
    starting(
        400,
        "invalid_request",
        "Delegation chain",
        Meaning::Forbidden,
    ),
];

/// `access_denied` for a wrong client secret, for an API that does not exist, and for one to which our client has no
/// grant.
const CLIENTS: &[ErrorRow] = &[
    exactly(401, "access_denied", "Unauthorized", Meaning::ClientRefused),
    // `Service not enabled within domain: https://api.example.com`
    starting(403, "access_denied", "Service not enabled", TARGET),
    // `Service not found: https://api.example.com`
    starting(403, "access_denied", "Service not found", TARGET),
    // `Client is not authorized to access "https://api.example.com". ...`
    starting(403, "access_denied", "Client is not authorized", TARGET),
];

const TARGET: Meaning = Meaning::Misconfigured(Misconfiguration::Target);
