//! What the tokens of Entra, Okta and Auth0 hold, as their documentation has it: who calls, and which minted token is the
//! same person's.

use std::time::Duration;

use icegate::clock::{Instant, Now, UnixTime};
use icegate::config::Config;
use icegate::exchange::{MintedFault, Whose, check};
use icegate::identity::{Caller, Presented, Standing, TokenFault};
use icegate::jose::{KeySet, RustCrypto};
use icegate::oauth::{ExpiresIn, TokenResponse};
use icegate::secret::Secret;
use serde_json::{Value, json};

use crate::dialects::{AUTH0, ENTRA, entra_written, loaded, okta, written};
use crate::tokens::{Signer, key_set};

const NOW: u64 = 1_800_000_000;
const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const ALICE: &str = "d5e979c7-3d2d-42af-8f30-727dd4c2d383";

fn signer() -> Signer {
    Signer::with_seed("key-1", "cloud")
}

fn keys() -> KeySet {
    KeySet::parse(key_set([&signer()]).as_bytes(), &RustCrypto).unwrap()
}

/// These claims with changes; `null` takes one away.
fn but(mut claims: Value, changes: Value) -> Value {
    let members = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(members.remove(name)),
            value => drop(members.insert(name.clone(), value.clone())),
        }
    }
    claims
}

fn presented(config: &Config, claims: &Value) -> Result<Caller, TokenFault> {
    let token = signer().sign(claims);
    let presented = Presented::inspect(token.as_bytes(), config, UnixTime::from_secs(NOW))?;
    Ok(presented.verify(config, &keys()).unwrap())
}

fn minted(
    config: &Config,
    caller: &Caller,
    claims: &Value,
    kind: Option<&str>,
) -> Result<(), MintedFault> {
    let rule = &config.contexts[0].token;
    let answer = TokenResponse {
        access_token: Secret::new(signer().sign(claims)),
        expires_in: ExpiresIn::In(Duration::from_secs(3269)),
        issued_token_type: kind.map(str::to_owned),
    };
    let now = Now {
        instant: Instant::from_origin(Duration::ZERO),
        unix: UnixTime::from_secs(NOW),
    };
    let issuer = &config.issuers[usize::from(rule.at.0)];
    check(&answer, rule, issuer, &keys(), caller, Whose::Callers, now).map(|_| ())
}

fn entra() -> Config {
    let mut configuration = entra_written(json!({
        "id": "535fb089-9ff3-47b6-9bfb-4f1264799865", "secret": {"env": "ENTRA_SECRET"},
    }));
    configuration["issuers"]["corp"]["audiences"] = json!(["535fb089-9ff3-47b6-9bfb-4f1264799865"]);
    loaded(&configuration)
}

/// A token of version 2.0 for the gate.
fn for_the_gate() -> Value {
    json!({
        "aud": "535fb089-9ff3-47b6-9bfb-4f1264799865", "iss": ENTRA.0, "iat": NOW - 60, "nbf": NOW - 60,
        "exp": NOW + 3600, "azp": "b1f1", "azpacr": "0", "name": "Alice", "oid": ALICE, "scp": "access_as_user",
        "preferred_username": "alice@contoso.com", "sub": "mkL0pb-yi1t5rDFwbSgRoMlkdNvou3J3V6o8PQ7jUBE", "tid": TENANT,
        "uti": "VGR-vkDfPECc5uWahCCRAA", "ver": "2.0",
    })
}

/// A token of version 1.0 for the catalog, as the on-behalf-of flow's documentation shows one.
fn for_the_catalog() -> Value {
    json!({
        "aud": "catalog", "iss": format!("https://sts.windows.net/{TENANT}/"), "iat": NOW, "nbf": NOW, "exp": NOW + 3570,
        "acr": "0", "appid": "535fb089-9ff3-47b6-9bfb-4f1264799865", "appidacr": "1", "oid": ALICE, "scp": "user_impersonation",
        "sub": "another-subject-for-another-application", "tid": TENANT, "upn": "alice@contoso.com", "ver": "1.0",
    })
}

#[test]
fn entra_knows_a_person_by_oid_and_tid() {
    let config = entra();
    let alice = presented(&config, &for_the_gate()).unwrap();
    assert_eq!(
        (alice.same_person(), alice.log_name()),
        (ALICE, "alice@contoso.com")
    );
    assert_eq!(alice.standing(), Standing::Person);
    let version_2 = json!({"iss": ENTRA.0, "ver": "2.0"});
    for (changes, expected) in [
        (json!({}), Ok(())),
        (version_2, Ok(())),
        (json!({"oid": "7f0a"}), Err(MintedFault::OtherSubject)),
        (json!({"oid": null}), Err(MintedFault::OtherSubject)),
        (json!({"tid": "9188040d"}), Err(MintedFault::OtherSubject)),
        (json!({"tid": null}), Err(MintedFault::OtherSubject)),
        (
            json!({"iss": "https://sts.windows.net/9188040d/"}),
            Err(MintedFault::OtherIssuer),
        ),
        (
            json!({"iss": format!("https://sts.windows.net/{TENANT}")}),
            Err(MintedFault::OtherIssuer),
        ),
        (
            json!({"aud": "https://graph.microsoft.com"}),
            Err(MintedFault::OtherAudience),
        ),
    ] {
        let claims = but(for_the_catalog(), changes.clone());
        assert_eq!(
            minted(&config, &alice, &claims, None),
            expected,
            "{changes}"
        );
    }
}

#[test]
fn who_calls_from_entra() {
    let config = entra();
    let standing = |changes: Value| {
        presented(&config, &but(for_the_gate(), changes)).map(|caller| caller.standing())
    };
    assert_eq!(standing(json!({})), Ok(Standing::Person));
    // App-only: the optional claim, and what such a token has without it.
    assert_eq!(standing(json!({"idtyp": "app"})), Ok(Standing::Program));
    assert_eq!(standing(json!({"idtyp": "user"})), Ok(Standing::Person));
    let app = json!({"sub": ALICE, "scp": null, "roles": ["lake.read"], "azpacr": "1", "preferred_username": null});
    assert_eq!(standing(app), Ok(Standing::Program));
    // What the gate got for a catalog never comes back as a caller's.
    let ours = json!({"azp": "535fb089-9ff3-47b6-9bfb-4f1264799865"});
    assert!(matches!(
        standing(ours),
        Err(TokenFault::OwnClientToken { .. })
    ));
    // A caller's issuer is the configured one, to the letter; without `oid` it is nobody.
    let version_1 = json!({"iss": format!("https://sts.windows.net/{TENANT}/")});
    assert_eq!(standing(version_1), Err(TokenFault::UnknownIssuer));
    assert!(matches!(
        standing(json!({"oid": null})),
        Err(TokenFault::Person { .. })
    ));
}

const ACCESS_TOKEN: Option<&str> = Some("urn:ietf:params:oauth:token-type:access_token");

#[test]
fn okta_names_a_person_by_login_and_uid() {
    let config = loaded(&okta(
        json!({"id": "0oa9aw62CPUnXomeU9c5", "secret": {"env": "OKTA_SECRET"}}),
    ));
    let of_person = json!({
        "ver": 1, "jti": "AT.nmEE", "iss": "https://example.okta.com/oauth2/default", "aud": "api://gate",
        "iat": NOW - 60, "exp": NOW + 3540, "cid": "0oanative", "uid": "00u930ooYXgBltqbs9c5", "scp": ["openid"],
        "auth_time": NOW - 60, "sub": "user@example.com",
    });
    let of_catalog = json!({
        "ver": 1, "jti": "AT.cW5t", "iss": "https://example.okta.com/oauth2/aus9awb5qgcRPB2Ey9c5", "aud": "com.api.atko",
        "iat": NOW, "exp": NOW + 3600, "cid": "0oa9aw62CPUnXomeU9c5", "uid": "00u930ooYXgBltqbs9c5",
        "scp": ["api:access:read", "api:access:write"], "auth_time": NOW - 60, "sub": "user@example.com",
    });
    let user = presented(&config, &of_person).unwrap();
    assert_eq!(
        (user.same_person(), user.standing()),
        ("user@example.com", Standing::Person)
    );
    let people = json!({"iss": "https://example.okta.com/oauth2/default"});
    for (changes, kind, expected) in [
        (json!({}), ACCESS_TOKEN, Ok(())),
        (json!({}), None, Err(MintedFault::NoIssuedTokenType)),
        (
            json!({"sub": "other@example.com"}),
            ACCESS_TOKEN,
            Err(MintedFault::OtherSubject),
        ),
        // The login was given to somebody else.
        (
            json!({"uid": "00uother"}),
            ACCESS_TOKEN,
            Err(MintedFault::OtherSubject),
        ),
        // The authorization server of the people is not the one that was asked.
        (people, ACCESS_TOKEN, Err(MintedFault::OtherIssuer)),
        (
            json!({"aud": "api://gate"}),
            ACCESS_TOKEN,
            Err(MintedFault::OtherAudience),
        ),
        (
            json!({"aud": ["com.api.atko", "api://gate"]}),
            ACCESS_TOKEN,
            Err(MintedFault::OurAudience),
        ),
    ] {
        let claims = but(of_catalog.clone(), changes.clone());
        assert_eq!(
            minted(&config, &user, &claims, kind),
            expected,
            "{changes} {kind:?}"
        );
    }
    let service = json!({"sub": "0oaservice", "cid": "0oaservice", "uid": null, "auth_time": null});
    let service = presented(&config, &but(of_person, service)).unwrap();
    assert_eq!(
        (service.standing(), service.authorized_party()),
        (Standing::Program, Some("0oaservice"))
    );
    // The catalog's authorization server has nobody of the gate's.
    assert!(matches!(
        presented(&config, &of_catalog),
        Err(TokenFault::Audience { .. })
    ));
}

#[test]
fn auth0_names_a_person_by_sub() {
    let client = json!({"id": "gate", "secret": {"env": "AUTH0_SECRET"}});
    let config = loaded(&written(
        "auth0",
        AUTH0,
        client,
        json!({"audience": "https://catalog.example.com"}),
    ));
    let of_person = json!({
        "iss": AUTH0.0, "sub": "auth0|user123", "aud": ["gate", "https://tenant.us.auth0.com/userinfo"],
        "iat": NOW - 60, "exp": NOW + 86_340, "azp": "spa_client_id", "scope": "openid",
    });
    let of_catalog = json!({
        "iss": AUTH0.0, "sub": "auth0|user123", "aud": "https://catalog.example.com", "iat": NOW, "exp": NOW + 86_400,
        "azp": "gate", "act": {"sub": "gate", "act": {"sub": "spa_client_id"}},
    });
    let user = presented(&config, &of_person).unwrap();
    assert_eq!(
        (user.same_person(), user.standing()),
        ("auth0|user123", Standing::Person)
    );
    assert_eq!(minted(&config, &user, &of_catalog, ACCESS_TOKEN), Ok(()));
    assert_eq!(minted(&config, &user, &of_catalog, None), Ok(()));
    let other = but(of_catalog.clone(), json!({"sub": "auth0|user124"}));
    assert_eq!(
        minted(&config, &user, &other, None),
        Err(MintedFault::OtherSubject)
    );
    let id_token = Some("urn:ietf:params:oauth:token-type:id_token");
    assert_eq!(
        minted(&config, &user, &of_catalog, id_token),
        Err(MintedFault::IssuedTokenType)
    );
    let robot = json!({"sub": "robot@clients", "azp": "robot", "gty": "client-credentials"});
    assert_eq!(
        presented(&config, &but(of_person, robot))
            .unwrap()
            .standing(),
        Standing::Program
    );
}
