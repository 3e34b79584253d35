//! Any server that follows RFC 8693 and RFC 6749 to the letter.

use super::errors::{COMMON, EXCHANGE, OWN_ACCOUNT, WITHOUT_TOKEN, WORD};
use super::{
    AssertionAudience, ClientCredentials, ClientDialect, ClientMethod, Dialect, EnginesWord,
    Exchange, Forms, Parameter, SubjectTokenType, Targets, Tokens, Word, WordGrant,
};
use crate::oauth::ExchangeWords;

pub(super) const DIALECT: Dialect = Dialect {
    name: "rfc8693",
    title: "a server of RFC 8693",
    exchange: Exchange {
        words: ExchangeWords::RFC8693,
        subject_token_type: SubjectTokenType::Configurable { reserved: &[] },
        targets: Targets {
            audience: NOBODY_IN_PARTICULAR,
            resource: Parameter::Optional,
            scope: Parameter::Optional,
        },
        requested_token_type: Parameter::Optional,
        actor_token: Ok(()),
        others_tokens: Ok(()),
        // RFC 8693 section 2.2.1 requires it; not every server sends it, and the token itself is checked.
        issued_token_type: false,
        errors: &[EXCHANGE, COMMON],
    },
    client_credentials: ClientCredentials {
        targets: ANYTHING,
        errors: &[OWN_ACCOUNT, COMMON],
    },
    engines_word: EnginesWord {
        assertion: Ok(Word {
            grant: WordGrant::JwtBearer,
            targets: ANYTHING,
            errors: &[WORD, WITHOUT_TOKEN, COMMON],
        }),
        impersonation: Err(
            "RFC 8693 takes tokens and no names; let the gate sign an assertion (RFC 7523)",
        ),
    },
    client: ClientDialect {
        methods: &ClientMethod::ALL,
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

/// Every server that has `audience` is asked for one.
pub(super) const NOBODY_IN_PARTICULAR: Parameter =
    Parameter::Required("a token for nobody in particular would be accepted anywhere");

/// Whatever is configured is sent.
pub(super) const ANYTHING: Targets = Targets {
    audience: Parameter::Optional,
    resource: Parameter::Optional,
    scope: Parameter::Optional,
};
