//! Okta: the on-behalf-of token exchange of its custom authorization servers. Built from its documentation
//! (developer.okta.com/docs/guides, set-up-token-exchange and build-self-signed-jwt) and not run.

use super::errors::{COMMON, EXCHANGE, OWN_ACCOUNT};
use super::{
    AssertionAudience, ClientCredentials, ClientDialect, ClientMethod, Dialect, EnginesWord,
    Exchange, Forms, Parameter, SubjectTokenType, Targets, Tokens,
};
use crate::oauth::ExchangeWords;

pub(super) const DIALECT: Dialect = Dialect {
    name: "okta",
    title: "Okta",
    exchange: Exchange {
        words: ExchangeWords::RFC8693,
        subject_token_type: SubjectTokenType::AccessToken,
        targets: Targets {
            audience: Parameter::Required(
                "Okta wants the audience of the authorization server that gives the token",
            ),
            resource: Parameter::Never("Okta's token exchange does not know it"),
            scope: Parameter::Required(
                "Okta gives a token for the scopes that are asked for, and its access policies look at them",
            ),
        },
        requested_token_type: Parameter::Never("Okta's token exchange gives access tokens"),
        actor_token: Err("Okta's token exchange knows no actor"),
        // Those of an authorization server that this one trusts ("trusted servers").
        others_tokens: Ok(()),
        // RFC 8693 section 2.2.1; it stands in every answer that Okta documents. One without it is another grant's.
        issued_token_type: true,
        errors: &[EXCHANGE, COMMON],
    },
    client_credentials: ClientCredentials {
        targets: Targets {
            audience: Parameter::Never(
                "an authorization server of Okta has one audience: its tokens are for that",
            ),
            resource: Parameter::Never("Okta does not know it"),
            scope: Parameter::Optional,
        },
        errors: &[OWN_ACCOUNT, COMMON],
    },
    engines_word: EnginesWord {
        assertion: Err(OWN_TOKEN),
        impersonation: Err(OWN_TOKEN),
    },
    client: ClientDialect {
        methods: &[
            ClientMethod::SecretBasic,
            ClientMethod::SecretPost,
            ClientMethod::PrivateKeyJwt,
        ],
        // "The full URL of the resource that you're trying to access using the JWT to authenticate".
        assertion_audience: AssertionAudience::TokenEndpoint,
    },
    tokens: Tokens {
        subject_claim: "sub",
        // `sub` is the login, which may be given to somebody else later; `uid` is the user's own.
        same: &["uid"],
        name_claim: "sub",
        program: None,
        access_token: None,
        issuer_ends: None,
        issuer: Forms(&[]),
    },
};

const OWN_TOKEN: &str = "Okta exchanges tokens that it gave the person itself, and no grant of Okta takes another's \
                         word; let the engine hand on its users' tokens";
