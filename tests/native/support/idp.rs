//! Two identity providers, the configuration that trusts them, and the gate's judgement of a token.

use std::rc::Rc;
use std::time::Duration;

use icegate::clock::UnixTime;
use icegate::config::{
    Access, ClaimPath, Client, ClientAuthentication, Config, Endpoint, Issuer, IssuerId, KeySource,
    Limits, Profile, Scheme,
};
use icegate::identity::{Caller, Presented, TokenFault, VerifyFault};
use icegate::jose::{Algorithm, JwtSimple, KeySet};
use icegate::limits;

use crate::tokens::{Signer, key_set};

/// The time of every test.
pub(crate) const NOW: u64 = 1_800_000_000;
/// A Keycloak: `keycloak` profile, audience `icegate`, ES256 and RS256.
pub(crate) const CORP: &str = "https://idp.example.com/realms/lake";
pub(crate) const CORP_ID: IssuerId = IssuerId(0);
/// Another server: `rfc8693` profile, audience `gate-of-ci`, ES256 alone.
pub(crate) const CI: &str = "https://ci.example.com";
pub(crate) const CI_ID: IssuerId = IssuerId(1);
/// The `kid` that both of them use for their (different) keys.
pub(crate) const KID: &str = "key-1";

/// Why the gate refuses a token.
#[derive(Debug, PartialEq)]
pub(crate) enum Refused {
    Token(TokenFault),
    Verify(VerifyFault),
}

pub(crate) fn corp() -> Signer {
    Signer::with_seed(KID, "corp")
}

pub(crate) fn ci() -> Signer {
    Signer::with_seed(KID, "ci")
}

/// What the gate makes of a token at [`NOW`].
pub(crate) fn judge(token: impl AsRef<[u8]>) -> Result<Caller, Refused> {
    judge_at(UnixTime::from_secs(NOW), token, &key_set([&corp()]))
}

/// The same at any time, with any key set of corp's.
pub(crate) fn judge_at(
    now: UnixTime,
    token: impl AsRef<[u8]>,
    corp_keys: &str,
) -> Result<Caller, Refused> {
    let config = config();
    let presented = Presented::inspect(token.as_ref(), &config, now).map_err(Refused::Token)?;
    let keys = match presented.issuer() {
        CORP_ID => corp_keys.to_owned(),
        CI_ID => key_set([&ci()]),
        other => panic!("no such issuer: {other:?}"),
    };
    presented
        .verify(&KeySet::parse(keys.as_bytes(), &JwtSimple).unwrap())
        .map_err(Refused::Verify)
}

pub(crate) fn config() -> Config {
    Config {
        generation: [0; 32],
        issuers: vec![
            Issuer {
                algorithms: vec![Algorithm::ES256, Algorithm::RS256],
                ..issuer("corp", CORP, "icegate", Profile::Keycloak)
            },
            Issuer {
                algorithms: vec![Algorithm::ES256],
                ..issuer("ci", CI, "gate-of-ci", Profile::Rfc8693)
            },
        ],
        catalogs: vec![],
        access: Access::CatalogDecides,
        limits: Limits {
            cached_callers: limits::CACHED_CALLERS,
            cache_bytes: limits::CACHE_BYTES,
            waiters: limits::WAITERS,
            exchanges_in_flight: limits::EXCHANGES_IN_FLIGHT,
            request_deadline: limits::REQUEST_DEADLINE,
            exchange_timeout: limits::EXCHANGE_TIMEOUT,
            key_refresh: limits::KEY_REFRESH,
            key_max_age: limits::KEY_MAX_AGE,
        },
    }
}

fn issuer(name: &str, issuer: &str, audience: &str, profile: Profile) -> Issuer {
    let endpoint = Endpoint {
        cluster: Rc::from(name),
        authority: Rc::from("idp"),
        scheme: Scheme::Https,
    };
    Issuer {
        name: Rc::from(name),
        profile,
        issuer: Rc::from(issuer),
        endpoint: endpoint.clone(),
        keys: KeySource::OpenIdDiscovery,
        token_path: None,
        audiences: vec![audience.to_owned(), "https://gate.example.com".to_owned()],
        algorithms: vec![],
        token_types: vec!["jwt".to_owned(), "at+jwt".to_owned(), String::new()],
        leeway: Duration::from_secs(30),
        subject_claim: ClaimPath(vec!["sub".to_owned()]),
        name_claim: ClaimPath(vec!["preferred_username".to_owned()]),
        client: Some(Client {
            id: Rc::from("icegate"),
            authentication: ClientAuthentication::Injected,
            endpoint,
        }),
    }
}
