//! What marks a token as a program's: that nobody logged in for it, and its client asked for it on its own account.
//!
//! The marks are looked for in every issuer's tokens, whatever its profile: a Keycloak may be configured as `rfc8693`. A
//! token with one is a program's, and refused unless it is listed, so a mark must be nothing that a person's token has.
//!
//! What is not found:
//!
//! - Entra's app-only tokens without the optional claim `idtyp`, where the issuer's profile is not `entra`.
//! - Without `preferred_username`: Keycloak's before 26.2, and those that were got in exchange for a service account's.
//! - Tokens of servers that write the same claims for persons and programs: Zitadel's service users, Authentik, Dex,
//!   GitHub and GitLab jobs.
//!
//! For these the operator writes marks of the issuer's own (`issuers.NAME.programs`), and a service's `who` finds it in any case.
//! A person at Keycloak who has made `service-account-` the beginning of the own user name is taken for a program.

use crate::config::{Config, IssuerId, WhoId};
use crate::jose::Claims;

/// Claims in which servers name the client that a token was issued to: OpenID Connect (`azp`), RFC 9068
/// (`client_id`), and Entra's v1 tokens (`appid`) and Okta (`cid`), which have neither of the two.
pub(super) const CLIENT_CLAIMS: [&str; 4] = ["azp", "client_id", "appid", "cid"];

/// What a claim, or several together, say in a program's token alone.
enum Mark {
    /// The claim is this text.
    Is(&'static str, &'static str),
    /// The claim is a text that begins so.
    Begins(&'static str, &'static str),
    /// The token has all of these claims.
    Has(&'static [&'static str]),
    /// The subject is the token's client, with this behind it.
    Client(&'static str),
    /// The grant that Keycloak writes into `jti` (26.2 and later): two letters each for session, type and grant.
    KeycloakGrant(&'static str),
}

const MARKS: &[Mark] = &[
    // RFC 9068 section 2.2, and Okta, Cognito: where no person is involved, `sub` is the client.
    Mark::Client(""),
    // Auth0, which also says by which grant.
    Mark::Client("@clients"),
    Mark::Is("gty", "client-credentials"),
    // Entra: "app" for tokens without a user, otherwise "user".
    Mark::Is("idtyp", "app"),
    // Keycloak: the user behind a client's service account; what its scope `service_account` adds of the call; and
    // the client credentials grant, whatever the session and the token's type.
    Mark::Begins("preferred_username", "service-account-"),
    Mark::Has(&["client_id", "clientHost", "clientAddress"]),
    Mark::KeycloakGrant("cc"),
    // Kubernetes keeps `system:` to itself; a SPIFFE ID is a workload's (JWT-SVID section 3.1).
    Mark::Begins("sub", "system:serviceaccount:"),
    Mark::Begins("sub", "spiffe://"),
];

/// The client that a token was issued to, by the first of these claims that is a text.
pub(crate) fn client_of(claims: &Claims) -> Option<&str> {
    CLIENT_CLAIMS
        .iter()
        .find_map(|name| claims.get(name)?.as_str())
}

/// Whether a token of an issuer has a mark of a program's: of those that all issuers have in common, of its dialect, or of
/// the operator's. `whos`: the conditions that hold for it, sorted.
pub(crate) fn is_program(
    config: &Config,
    issuer: IssuerId,
    claims: &Claims,
    whos: &[WhoId],
) -> bool {
    let marked = |who: &WhoId| config.programs.binary_search(who).is_ok();
    let issuer = config.issuers.get(usize::from(issuer.0));
    let own = issuer.and_then(|issuer| issuer.profile.dialect().tokens.program);
    MARKS.iter().any(|mark| mark.is_on(claims))
        || own.is_some_and(|both| are_same(both, claims))
        || whos.iter().any(marked)
}

/// Whether a token has both claims, and in both the same text.
fn are_same((one, other): (&str, &str), claims: &Claims) -> bool {
    let text = |name| claims.get(name).and_then(|value| value.as_str());
    text(one).is_some_and(|one| text(other) == Some(one))
}

impl Mark {
    fn is_on(&self, claims: &Claims) -> bool {
        let text = |name: &str| claims.get(name).and_then(|value| value.as_str());
        match self {
            Self::Is(claim, says) => text(claim) == Some(says),
            Self::Begins(claim, start) => text(claim).is_some_and(|text| text.starts_with(start)),
            Self::Has(all) => all.iter().all(|claim| claims.get(claim).is_some()),
            Self::Client(suffix) => {
                let client = claims.sub().and_then(|sub| sub.strip_suffix(suffix));
                client.is_some_and(|client| {
                    CLIENT_CLAIMS
                        .iter()
                        .any(|claim| text(claim) == Some(client))
                })
            }
            Self::KeycloakGrant(grant) => {
                let made = text("jti").and_then(|jti| jti.split_once(':'));
                made.is_some_and(|(made, _)| made.len() == 6 && made.ends_with(grant))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Whether these claims, beside those of an ordinary token, are marked.
    fn marked(more: Value) -> bool {
        let mut claims = json!({
            "iss": "https://idp.example.com/realms/lake", "sub": "c2347aab", "aud": "icegate", "azp": "trino",
            "jti": "onrtro:ccdf", "preferred_username": "alice", "typ": "Bearer", "sid": "_6YE",
        });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let claims = Claims::parse(claims.to_string().as_bytes()).unwrap();
        MARKS.iter().any(|mark| mark.is_on(&claims))
    }

    #[test]
    fn programs() {
        for claims in [
            json!({"preferred_username": "service-account-trino"}),
            json!({"jti": "trrtcc:b2ef"}),
            // Lightweight tokens, and service accounts with a session.
            json!({"jti": "trltcc:b2ef"}),
            json!({"jti": "onrtcc:b2ef"}),
            json!({"client_id": "trino", "clientHost": "10.0.0.1", "clientAddress": "10.0.0.1"}),
            json!({"idtyp": "app"}),
            json!({"sub": "trino"}),
            json!({"sub": "trino", "azp": null, "client_id": "trino"}),
            json!({"sub": "0oa1", "azp": null, "cid": "0oa1"}),
            json!({"sub": "0oa1", "azp": null, "appid": "0oa1"}),
            json!({"sub": "trino@clients"}),
            json!({"gty": "client-credentials"}),
            json!({"sub": "system:serviceaccount:spark:driver"}),
            json!({"sub": "spiffe://example.com/spark"}),
        ] {
            assert!(marked(claims.clone()), "{claims}");
        }
    }

    /// A person who logged in through a program's client has its name in `azp` and the like.
    #[test]
    fn persons() {
        for claims in [
            json!({}),
            json!({"client_id": "trino", "cid": "trino", "appid": "trino"}),
            // Keycloak's other grants: code, refresh, exchange, assertion, impersonation.
            json!({"jti": "onrtac:x"}),
            json!({"jti": "onrtrt:x"}),
            json!({"jti": "ntrtte:x"}),
            json!({"jti": "trrtag:x"}),
            json!({"jti": "onrtna:x"}),
            json!({"jti": "0f8fad5b-d9cb-469f-a165-70867728950e"}),
            json!({"jti": "cc:x"}),
            json!({"jti": "trrtcc"}),
            json!({"jti": "a:trrtcc:x"}),
            json!({"preferred_username": "alice-service-account-"}),
            json!({"preferred_username": "Service-Account-x"}),
            json!({"preferred_username": ["service-account-trino"]}),
            json!({"idtyp": "user"}),
            json!({"idtyp": ["app"]}),
            json!({"gty": "password"}),
            json!({"sub": "alice@clients"}),
            json!({"sub": "trino@clients", "azp": null}),
            json!({"sub": "Trino"}),
            json!({"sub": "auth0|trino"}),
            json!({"clientHost": "10.0.0.1", "clientAddress": "10.0.0.1"}),
            json!({"name": "spiffe://example.com/spark", "sub": "x-spiffe://example.com"}),
        ] {
            assert!(!marked(claims.clone()), "{claims}");
        }
    }
}
