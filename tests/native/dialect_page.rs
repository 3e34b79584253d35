//! The tables of `docs/identity-providers.md`, from the records of the dialects.
//! `ICEGATE_BLESS=1 cargo test --test native dialect_page` writes them.

use std::fmt::Write;
use std::path::Path;

use icegate::dialect::{
    AssertionAudience, Dialect, Parameter, Profile, SubjectTokenType, Targets, Word, WordGrant,
};

use crate::config_files::holds;

const PAGE: &str = "docs/identity-providers.md";
const BEGINS: &str = "<!-- from the code: begins -->\n";
const ENDS: &str = "<!-- from the code: ends -->\n";

#[test]
fn the_page_of_identity_providers_says_what_the_records_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = std::fs::read_to_string(path).expect("the page can be read");
    let (before, rest) = page.split_once(BEGINS).expect("the tables begin");
    let (_, after) = rest.split_once(ENDS).expect("the tables end");
    holds(
        PAGE,
        &[before, BEGINS, &does(), &reasons(), ENDS, after].concat(),
    );
}

type Cell = fn(&Dialect) -> String;

/// One row for each thing that a record says, one column for each profile.
fn does() -> String {
    let rows: [(&str, Cell); 16] = [
        ("grant of the exchange", |of| {
            grant(of.exchange.words.grant_type)
        }),
        ("the caller's token is", |of| {
            format!("`{}`", of.exchange.words.subject)
        }),
        ("always beside it", |of| {
            let fixed = of.exchange.words.fixed.iter();
            listed(fixed.map(|(name, value)| format!("`{name}={value}`")))
        }),
        ("`audience`", |of| parameter(of.exchange.targets.audience)),
        ("`resource`", |of| parameter(of.exchange.targets.resource)),
        ("`scope`", |of| parameter(of.exchange.targets.scope)),
        ("`requested_token_type`", |of| {
            parameter(of.exchange.requested_token_type)
        }),
        ("`subject_token_type`", |of| {
            match of.exchange.subject_token_type {
                SubjectTokenType::None => "never",
                SubjectTokenType::AccessToken => "an access token",
                SubjectTokenType::Configurable { .. } => "as configured",
            }
            .to_owned()
        }),
        ("tokens of other issuers (`token.at`)", |of| {
            yes(of.exchange.others_tokens)
        }),
        ("who acts is told (`gate_tokens.delegation`)", |of| {
            yes(of.exchange.actor_token)
        }),
        ("answers must have `issued_token_type`", |of| {
            if of.exchange.issued_token_type {
                "yes"
            } else {
                "no"
            }
            .to_owned()
        }),
        ("the gate's client proves itself by", |of| {
            let methods = of.client.methods.iter();
            listed(methods.map(|method| format!("`{}`", method.name())))
        }),
        ("`aud` of its assertion", |of| {
            let methods = of.client.methods.iter();
            if !methods
                .into_iter()
                .any(|method| method.name() == "private_key_jwt")
            {
                return "-".to_owned();
            }
            match of.client.assertion_audience {
                AssertionAudience::Issuer => "the issuer",
                AssertionAudience::TokenEndpoint => "the token endpoint",
            }
            .to_owned()
        }),
        ("`speaks_for`, by assertion", |of| {
            word(&of.engines_word.assertion)
        }),
        ("`speaks_for`, by impersonation", |of| {
            word(&of.engines_word.impersonation)
        }),
        ("a person is", |of| {
            let claims = [of.tokens.subject_claim].into_iter();
            let claims = claims.chain(of.tokens.same.iter().copied());
            format!(
                "{}; called by `{}`",
                listed(claims.map(|name| format!("`{name}`"))),
                of.tokens.name_claim
            )
        }),
    ];
    let mut table = String::from("| |");
    for profile in Profile::ALL {
        write!(table, " `{}` |", profile.dialect().name).unwrap();
    }
    table.push_str("\n|---|");
    table.push_str(&"---|".repeat(Profile::ALL.len()));
    table.push('\n');
    for (name, cell) in rows {
        write!(table, "| {name} |").unwrap();
        for profile in Profile::ALL {
            write!(table, " {} |", cell(profile.dialect())).unwrap();
        }
        table.push('\n');
    }
    table
}

/// Why something is required, or not there: what the loader says too.
fn reasons() -> String {
    let mut table = String::from("\n| | what | why |\n|---|---|---|\n");
    for profile in Profile::ALL {
        let of = profile.dialect();
        let Targets {
            audience,
            resource,
            scope,
        } = of.exchange.targets;
        let parameters = [
            ("audience", audience),
            ("resource", resource),
            ("scope", scope),
            ("requested_token_type", of.exchange.requested_token_type),
        ];
        let parameters = parameters.map(|(name, parameter)| match parameter {
            Parameter::Optional => None,
            Parameter::Required(why) => Some((format!("`{name}` is required"), why)),
            Parameter::Never(why) => Some((format!("no `{name}`"), why)),
        });
        let words = &of.engines_word;
        let refused = |what: &str, why: Option<&'static str>| why.map(|why| (what.to_owned(), why));
        let others = [
            refused("no `token.at`", of.exchange.others_tokens.err()),
            refused("no `delegation`", of.exchange.actor_token.err()),
            refused("no assertion", words.assertion.as_ref().err().copied()),
            refused(
                "no impersonation",
                words.impersonation.as_ref().err().copied(),
            ),
            of.tokens
                .issuer_ends
                .map(|(end, why)| (format!("`issuer` ends in `{end}`"), why)),
        ];
        let mut rows: Vec<(String, &str)> = Vec::new();
        for (what, why) in parameters.into_iter().chain(others).flatten() {
            match rows.iter_mut().find(|(_, other)| *other == why) {
                Some((said, _)) => write!(said, ", {what}").unwrap(),
                None => rows.push((what, why)),
            }
        }
        for (what, why) in rows {
            writeln!(table, "| `{}` | {what} | {why} |", of.name).unwrap();
        }
    }
    table
}

fn grant(grant_type: &str) -> String {
    let (_, name) = grant_type.rsplit_once(':').expect("a URN");
    format!("`{name}`")
}

fn parameter(parameter: Parameter) -> String {
    match parameter {
        Parameter::Optional => "if set",
        Parameter::Required(_) => "required",
        Parameter::Never(_) => "never",
    }
    .to_owned()
}

fn yes(is: Result<(), &str>) -> String {
    if is.is_ok() { "yes" } else { "no" }.to_owned()
}

fn word(word: &Result<Word, &str>) -> String {
    match word.as_ref().map(|word| word.grant) {
        Ok(WordGrant::JwtBearer) => "`jwt-bearer` (RFC 7523)",
        Ok(WordGrant::SubjectToken) => "`token-exchange` of the assertion",
        Ok(WordGrant::RequestedSubject) => "`requested_subject`",
        Err(_) => "no",
    }
    .to_owned()
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    match names.is_empty() {
        true => "-".to_owned(),
        false => names.join(", "),
    }
}
