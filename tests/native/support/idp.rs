//! Two identity providers, the configuration that trusts them, and the gate's judgement of a token.

use icegate::clock::UnixTime;
use icegate::config::{Config, IssuerId, smallest};
use icegate::identity::{Caller, Presented, TokenFault, VerifyFault};
use icegate::jose::{KeySet, RustCrypto};
use serde_json::{Value, json};

use crate::support::load_value;
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
    CONFIG.with(|config| judge_with(config, now, token.as_ref(), corp_keys))
}

thread_local! {
    static CONFIG: Config = config();
}

fn judge_with(
    config: &Config,
    now: UnixTime,
    token: &[u8],
    corp_keys: &str,
) -> Result<Caller, Refused> {
    let presented = Presented::inspect(token, config, now).map_err(Refused::Token)?;
    let keys = match presented.issuer() {
        CORP_ID => corp_keys.to_owned(),
        CI_ID => key_set([&ci()]),
        other => panic!("no such issuer: {other:?}"),
    };
    presented
        .verify(
            config,
            &KeySet::parse(keys.as_bytes(), &RustCrypto).unwrap(),
        )
        .map_err(Refused::Verify)
}

pub(crate) fn config() -> Config {
    let issuer = |profile: &str, issuer: &str, audience: &str, algorithms: Value| {
        json!({
            "profile": profile, "issuer": issuer, "cluster": "idp", "algorithms": algorithms,
            "audiences": [audience, "https://gate.example.com"],
            "client": {"id": "icegate", "secret": {"env": "ICEGATE_SECRET"}},
        })
    };
    let mut configuration = smallest();
    configuration["issuers"] = json!({
        "corp": issuer("keycloak", CORP, "icegate", json!(["ES256", "RS256"])),
        "robots": issuer("rfc8693", CI, "gate-of-ci", json!(["ES256"])),
    });
    load_value(&configuration).unwrap_or_else(|faults| panic!("{faults}"))
}
