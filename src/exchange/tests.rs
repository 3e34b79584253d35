//! The parts of an exchange, owned and easy to change.

use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;

use super::{Inputs, Making, exchange_call};
use crate::clock::UnixTime;
use crate::config::{
    ClaimPath, Client, ClientAuthentication, Endpoint, Grant, Issuer, IssuerId, KeySource, OwnKey,
    Profile, Scheme, TokenRule,
};
use crate::jose::{Algorithm, Crypto as _, RustCrypto};
use crate::secret::Secret;
use crate::wire::HttpCall;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) generation: u8,
    pub(super) issuer_name: String,
    pub(super) issuer: String,
    pub(super) profile: Profile,
    pub(super) cluster: String,
    pub(super) authority: String,
    pub(super) scheme: Scheme,
    pub(super) token_path: String,
    pub(super) client_id: String,
    pub(super) own_account: bool,
    /// 0 basic, 1 post, 2 injected, 3 key, 4 certificate
    pub(super) method: u8,
    pub(super) secret: String,
    /// 0 of RFC 7515 appendix A.3, 1 of RFC 6979 appendix A.2.5 (both ES256), 2 of RFC 7515 appendix A.2 (RS256)
    pub(super) key: u8,
    pub(super) key_id: String,
    pub(super) assertion_audience: Option<String>,
    pub(super) subject_token_type: Option<String>,
    pub(super) catalog: String,
    pub(super) tenant: Option<String>,
    pub(super) audiences: Vec<String>,
    pub(super) expected_audience: String,
    pub(super) resources: Vec<String>,
    pub(super) scope: Option<String>,
    pub(super) requested_token_type: Option<String>,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) subject_token: String,
}

/// The exchange of `facts/keycloak.md` 3.1 (a).
impl Default for Parts {
    fn default() -> Self {
        Self {
            generation: 0,
            issuer_name: "corp".into(),
            issuer: "http://127.0.0.1:18080/realms/lake".into(),
            profile: Profile::Keycloak,
            cluster: "idp".into(),
            authority: "127.0.0.1:18080".into(),
            scheme: Scheme::Http,
            token_path: "/realms/lake/protocol/openid-connect/token".into(),
            client_id: "icegate".into(),
            own_account: false,
            method: 0,
            secret: "icegate-secret".into(),
            key: 0,
            key_id: "icegate-jwt-1".into(),
            assertion_audience: None,
            subject_token_type: None,
            catalog: "lake".into(),
            tenant: None,
            audiences: vec!["catalog".into()],
            expected_audience: "catalog".into(),
            resources: Vec::new(),
            scope: None,
            requested_token_type: None,
            parameters: Vec::new(),
            subject_token: "eyJh.eyJz.c2ln".into(),
        }
    }
}

impl Parts {
    pub(super) fn with<T>(&self, then: impl FnOnce(&Inputs<'_>) -> T) -> T {
        let endpoint = Endpoint {
            cluster: Rc::from(&*self.cluster),
            authority: Rc::from(&*self.authority),
            scheme: self.scheme,
        };
        let secret = Secret::new(self.secret.clone());
        then(&Inputs {
            generation: &[self.generation; 32],
            issuer: &Issuer {
                name: Rc::from(&*self.issuer_name),
                profile: self.profile,
                issuer: Rc::from(&*self.issuer),
                endpoint: endpoint.clone(),
                keys: KeySource::OpenIdDiscovery,
                token_path: None,
                audiences: vec!["icegate".to_owned()],
                algorithms: vec![Algorithm::RS256],
                token_types: vec!["jwt".to_owned()],
                leeway: Duration::from_secs(30),
                subject_claim: ClaimPath(vec!["sub".to_owned()]),
                name_claim: ClaimPath(vec!["preferred_username".to_owned()]),
                client: None,
                gate_tokens: None,
            },
            client: &Client {
                id: Rc::from(&*self.client_id),
                authentication: match self.method {
                    0 => ClientAuthentication::SecretBasic(secret),
                    1 => ClientAuthentication::SecretPost(secret),
                    2 => ClientAuthentication::Injected,
                    3 => ClientAuthentication::PrivateKeyJwt {
                        key: own_key(self.key, &self.key_id),
                        audience: self.assertion_audience.as_deref().map(Rc::from),
                    },
                    _ => ClientAuthentication::TlsClientAuth,
                },
                subject_token_type: self.subject_token_type.as_deref().map(Rc::from),
                endpoint,
            },
            grant: match self.own_account {
                true => Grant::ClientCredentials,
                false => Grant::Exchange,
            },
            token_path: &self.token_path,
            catalog: &self.catalog,
            tenant: self.tenant.as_deref(),
            rule: &TokenRule {
                from: IssuerId(0),
                at: IssuerId(0),
                audiences: self.audiences.clone(),
                expected_audience: self.expected_audience.clone(),
                resources: self.resources.clone(),
                scope: self.scope.clone(),
                requested_token_type: self.requested_token_type.clone(),
                parameters: self.parameters.clone(),
                life: Duration::from_secs(300),
                never_as: None,
            },
            subject_token: &self.subject_token,
        })
    }

    /// One change for each input.
    pub(super) fn changes() -> [fn(&mut Self); 36] {
        [
            |p| p.generation = 1,
            |p| p.issuer_name = "corq".into(),
            |p| p.issuer.push('/'),
            |p| p.profile = Profile::Rfc8693,
            |p| p.cluster = "idq".into(),
            |p| p.authority = "127.0.0.1:18081".into(),
            |p| p.scheme = Scheme::Https,
            |p| p.token_path.push('?'),
            |p| p.client_id = "trino".into(),
            |p| p.own_account = true,
            |p| p.method = 1,
            |p| p.method = 2,
            |p| p.method = 3,
            |p| (p.method, p.key) = (3, 1),
            |p| (p.method, p.key) = (3, 2),
            |p| (p.method, p.key_id) = (3, "icegate-jwt-2".into()),
            |p| (p.method, p.assertion_audience) = (3, Some("https://idp.example".into())),
            |p| (p.method, p.assertion_audience) = (3, Some(String::new())),
            |p| p.method = 4,
            |p| p.profile = Profile::Auth0,
            |p| {
                p.profile = Profile::Auth0;
                p.subject_token_type = Some("urn:acme:gate".into());
            },
            |p| p.secret.push('2'),
            |p| p.catalog = "lakf".into(),
            |p| p.tenant = Some("acme".into()),
            |p| p.tenant = Some(String::new()),
            |p| p.audiences.clear(),
            |p| p.audiences.push("catalog".into()),
            |p| p.expected_audience = "catalog2".into(),
            |p| p.resources.push("https://catalog.example/".into()),
            |p| p.scope = Some("to-catalog".into()),
            |p| p.scope = Some(String::new()),
            |p| p.requested_token_type = Some("urn:ietf:params:oauth:token-type:jwt".into()),
            |p| p.parameters.push(("a".into(), "b".into())),
            |p| p.parameters.push(("b".into(), "a".into())),
            |p| {
                p.parameters
                    .extend([("a".into(), "b".into()), ("a".into(), "b".into())])
            },
            |p| p.subject_token.push('a'),
        ]
    }
}

fn own_key(key: u8, id: &str) -> OwnKey {
    let pem = match key {
        0 => include_str!("../../tests/native/golden/keys/rfc7515-a3.pkcs8.pem"),
        1 => include_str!("../../tests/native/golden/keys/rfc6979-a25.pkcs8.pem"),
        _ => include_str!("../../tests/native/golden/keys/rfc7515-a2.pkcs8.pem"),
    };
    OwnKey {
        id: id.into(),
        key: RustCrypto.load_signing_key(pem).unwrap().into(),
    }
}

/// Texts of few letters and lengths, so that two draws are often neighbours.
impl Arbitrary for Parts {
    type Parameters = ();
    type Strategy = BoxedStrategy<Self>;

    fn arbitrary_with((): ()) -> Self::Strategy {
        let texts = prop::collection::vec("[ab\0]{0,2}", 11);
        let lists = prop::collection::vec(prop::collection::vec("[ab]{0,2}", 0..3), 2);
        let options = prop::collection::vec(prop::option::of("[ab]{0,1}"), 5);
        let parameters = prop::collection::vec(("[ab]{0,1}", "[ab]{0,1}"), 0..3);
        // Most of the parts stay as they are by default; equal draws must happen.
        (
            texts,
            lists,
            options,
            parameters,
            0..2u8,
            0..5u8,
            any::<bool>(),
            prop::sample::select(Profile::ALL.as_slice()),
            any::<bool>(),
            any::<u32>(),
        )
            .prop_map(
                |(
                    texts,
                    lists,
                    options,
                    parameters,
                    generation,
                    method,
                    https,
                    profile,
                    own_account,
                    changed,
                )| {
                    let mut parts = Self::default();
                    let [t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10] = texts.try_into().unwrap();
                    let [l0, l1]: [Vec<String>; 2] = lists.try_into().unwrap();
                    let [o0, o1, o2, o3, o4]: [Option<String>; 5] = options.try_into().unwrap();
                    let mut set = |bit: u32, apply: &mut dyn FnMut(&mut Self)| {
                        // Few bits of the 32 are looked at twice: about one part in four is changed.
                        if changed.rotate_left(bit) & 0b11 == 0 {
                            apply(&mut parts);
                        }
                    };
                    set(0, &mut |p| p.generation = generation);
                    set(2, &mut |p| p.issuer_name.clone_from(&t0));
                    set(3, &mut |p| p.issuer.clone_from(&t1));
                    set(4, &mut |p| p.profile = profile);
                    set(6, &mut |p| p.cluster.clone_from(&t2));
                    set(7, &mut |p| p.authority.clone_from(&t3));
                    set(8, &mut |p| {
                        p.scheme = if https { Scheme::Https } else { Scheme::Http }
                    });
                    set(10, &mut |p| p.token_path.clone_from(&t4));
                    set(11, &mut |p| p.client_id.clone_from(&t5));
                    set(12, &mut |p| p.method = method);
                    set(13, &mut |p| p.own_account = own_account);
                    // What a method or a profile does not use says nothing, so that it must not differ either.
                    set(14, &mut |p| {
                        if p.method < 2 {
                            p.secret.clone_from(&t6);
                        }
                    });
                    set(28, &mut |p| {
                        if p.method == 3 {
                            p.key = generation;
                            p.assertion_audience.clone_from(&o3);
                        }
                    });
                    set(30, &mut |p| {
                        if matches!(p.profile, Profile::Rfc8693 | Profile::Auth0) {
                            p.subject_token_type.clone_from(&o4);
                        }
                    });
                    set(15, &mut |p| p.catalog.clone_from(&t7));
                    set(29, &mut |p| p.tenant.clone_from(&o2));
                    set(16, &mut |p| p.audiences.clone_from(&l0));
                    set(18, &mut |p| p.expected_audience.clone_from(&t8));
                    set(19, &mut |p| p.resources.clone_from(&l1));
                    set(20, &mut |p| p.scope.clone_from(&o0));
                    set(22, &mut |p| p.requested_token_type.clone_from(&o1));
                    set(24, &mut |p| p.parameters.clone_from(&parameters));
                    set(26, &mut |p| p.subject_token = format!("{t9}{t10}"));
                    parts
                },
            )
            .boxed()
    }
}

fn exchanged(inputs: &Inputs<'_>) -> HttpCall {
    let mut making = Making {
        now: UnixTime::from_secs(1_800_000_000),
        random: &mut |bytes| bytes.fill(7),
    };
    exchange_call(inputs, &mut making).unwrap()
}

/// The whole call, as HTTP/1.1.
fn wire(parts: &Parts) -> String {
    let call = parts.with(exchanged);
    let mut text = format!(
        "{} {} HTTP/1.1\r\nhost: {}\r\n",
        call.method, call.path, call.authority
    );
    for (name, value) in &call.headers {
        text.push_str(&format!("{name}: {}\r\n", value.expose()));
    }
    text.push_str("\r\n");
    text.push_str(str::from_utf8(call.body.expose()).unwrap());
    text
}

#[test]
fn calls_are_written_byte_for_byte() {
    let golden = |text: &str| text.replace("{version}", env!("CARGO_PKG_VERSION"));
    let changed = |change: fn(&mut Parts)| {
        let mut parts = Parts::default();
        change(&mut parts);
        wire(&parts)
    };
    assert_eq!(
        changed(|_| ()),
        golden(include_str!(
            "../../tests/native/golden/oauth/requests/keycloak-basic.http"
        ))
    );
    assert_eq!(
        changed(|parts| parts.method = 1),
        golden(include_str!(
            "../../tests/native/golden/oauth/requests/keycloak-post.http"
        ))
    );
    assert_eq!(
        changed(|parts| parts.method = 2),
        golden(include_str!(
            "../../tests/native/golden/oauth/requests/keycloak-injected.http"
        ))
    );
    assert_eq!(
        changed(|parts| {
            parts.audiences.push("catalog2".into());
            parts.scope = Some("to-catalog2".into());
            parts.requested_token_type =
                Some("urn:ietf:params:oauth:token-type:access_token".into());
        }),
        golden(include_str!(
            "../../tests/native/golden/oauth/requests/keycloak-two-audiences.http"
        ))
    );
    assert_eq!(
        changed(|parts| {
            parts.authority = "as.example.com".into();
            parts.token_path = "/as/token.oauth2".into();
            (parts.client_id, parts.secret) = ("rs08".into(), "long-secure-random-secret".into());
            parts.audiences.clear();
            parts
                .resources
                .push("https://backend.example.com/api".into());
            parts.subject_token = "accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC".into();
        }),
        golden(include_str!(
            "../../tests/native/golden/oauth/requests/rfc8693-2.3.http"
        ))
    );
}

#[test]
fn a_client_asks_for_itself_without_anybodys_token() {
    let mut parts = Parts {
        own_account: true,
        client_id: "dbt".into(),
        scope: Some("to-catalog".into()),
        requested_token_type: Some("urn:ietf:params:oauth:token-type:access_token".into()),
        ..Parts::default()
    };
    parts.parameters.push(("subject_token".into(), "x".into()));
    parts.parameters.push(("tenant".into(), "acme".into()));
    let call = parts.with(exchanged);
    assert_eq!(
        str::from_utf8(call.body.expose()).unwrap(),
        "grant_type=client_credentials&audience=catalog&scope=to-catalog&tenant=acme"
    );
    let basic = call
        .headers
        .iter()
        .find(|header| header.0 == "authorization");
    assert_eq!(basic.unwrap().1.expose(), "Basic ZGJ0OmljZWdhdGUtc2VjcmV0");
    parts.method = 1;
    let call = parts.with(exchanged);
    assert_eq!(
        str::from_utf8(call.body.expose()).unwrap(),
        "grant_type=client_credentials&audience=catalog&scope=to-catalog&client_id=dbt&client_secret=icegate-secret\
         &tenant=acme"
    );
}

#[test]
fn a_call_goes_where_the_configuration_says_and_shows_no_secret() {
    let mut parts = Parts::default();
    (parts.cluster, parts.scheme, parts.secret) = ("sts".into(), Scheme::Https, "CANARY".into());
    for method in [0, 1, 3] {
        parts.method = method;
        let call = parts.with(exchanged);
        assert_eq!(
            (&*call.cluster, call.scheme, call.answer_limit),
            ("sts", "https", 65_536)
        );
        let shown = format!("{call:?}");
        assert!(
            !shown.contains("CANARY") && !shown.contains("eyJ") && !shown.contains("Basic"),
            "{shown}"
        );
    }
}
