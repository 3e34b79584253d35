//! Any bytes as what a client sends to the token endpoint: no panic, and another reader of forms finds in what is
//! accepted just what the gate found. Any bytes as an unsecured JWT and as a private key: no panic.
#![no_main]

use icegate::jose::{CompactJws, Crypto, RustCrypto, UnsecuredJwt, is_unsecured};
use icegate::oauth::{ClientLogin, Proof, TokenRequest, is_token68};
use icegate::wire::Authorization;
use libfuzzer_sys::fuzz_target;

const FORM: &[u8] = b"application/x-www-form-urlencoded";

/// What stands in front of the bytes, so that more of them get past the first checks.
const BEGINS: [&str; 4] = [
    "",
    "grant_type=client_credentials&",
    "grant_type=client_credentials&client_id=a&client_secret=b&",
    "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token_type=urn:ietf:params:oauth:token-type:jwt&",
];

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else { return };
    let (header, body) = match rest.iter().position(|byte| *byte == b'\n') {
        Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
        None => (None, rest),
    };
    let schemed = header.map(|value| [["Bearer ", "Basic ", ""][usize::from(choice >> 2) % 3].as_bytes(), value].concat());
    let authorization = schemed.as_deref().map_or(Authorization::Missing, Authorization::One);
    let body = [BEGINS[usize::from(choice & 3)].as_bytes(), body].concat();
    request(authorization, &body);
    let _ = TokenRequest::read(header, authorization, &body);

    if let Ok(jwt) = UnsecuredJwt::parse(rest) {
        assert!(is_unsecured(rest) && CompactJws::parse(rest).is_err());
        assert_eq!(format!("{jwt:?}"), "UnsecuredJwt { .. }");
    }
    if let Ok(text) = std::str::from_utf8(rest) {
        let label = ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"][usize::from(choice >> 4) % 3];
        let pem = format!("-----BEGIN {label}-----{text}-----END {label}-----");
        if let Some(key) = RustCrypto.load_signing_key(&pem) {
            assert!(key.sign(rest, &mut |bytes| bytes.fill(1)).is_none_or(|signature| signature.len() >= 64));
        }
    }
});

fn request(authorization: Authorization<'_>, body: &[u8]) {
    let request = match TokenRequest::read(Some(FORM), authorization, body) {
        Ok(request) => request,
        Err(fault) => {
            let sentence = fault.describe();
            assert!(sentence.bytes().all(|byte| matches!(byte, 0x20..=0x7e) && !matches!(byte, b'"' | b'\\')));
            return;
        }
    };
    let form: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let all = |name: &str| -> Vec<&str> {
        form.iter().filter(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str()).collect()
    };
    let from_form = |login: &ClientLogin, id: &[&str], secret: &[&str]| {
        assert!(login.by_basic || id == [login.id.as_str()] && secret == [login.secret.expose().as_str()]);
        assert!(!login.by_basic || secret.is_empty() && id.iter().all(|id| *id == login.id));
    };
    let (id, secret) = (all("client_id"), all("client_secret"));
    let (scope, audiences, resources) = match request {
        TokenRequest::ClientCredentials(request) => {
            assert_eq!(all("grant_type"), ["client_credentials"]);
            from_form(&request.login, &id, &secret);
            (request.scope, request.audiences, request.resources)
        }
        TokenRequest::Exchange(request) => {
            assert_eq!(all("subject_token"), [request.subject_token.expose().as_str()]);
            assert_eq!(all("subject_token_type"), [request.subject_token_type.as_str()]);
            assert!(is_token68(request.subject_token.expose().as_bytes()));
            let actor: Vec<&str> = request.actor_token.iter().map(|token| token.expose().as_str()).collect();
            assert_eq!(all("actor_token"), actor);
            match &request.proof {
                Proof::Actor => assert_eq!(actor.len(), 1),
                Proof::Subject => assert!(actor.is_empty() && id.is_empty() && secret.is_empty()),
                Proof::Login(login) => {
                    assert!(actor.is_empty());
                    from_form(login, &id, &secret);
                }
            }
            (request.scope, request.audiences, request.resources)
        }
    };
    assert_eq!(all("scope"), scope.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(all("audience"), audiences);
    assert_eq!(all("resource"), resources);
}
