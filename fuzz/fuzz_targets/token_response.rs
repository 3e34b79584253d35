//! Any bytes as what a token endpoint answers, and as metadata and keys: no panic, and only what can stand
//! in a header comes out as a token.
#![no_main]

use icegate::config::Profile;
use icegate::exchange::{Sorted, sort};
use icegate::jose::{KeySet, RustCrypto};
use icegate::oauth::{ErrorResponse, Metadata, TokenResponse};
use icegate::wire::CallAnswer;
use libfuzzer_sys::fuzz_target;

const STATUSES: [u16; 12] = [200, 201, 204, 302, 400, 401, 403, 404, 429, 500, 503, 504];

fuzz_target!(|data: &[u8]| {
    let Some((choice, body)) = data.split_first() else { return };
    let status = STATUSES[usize::from(*choice) % STATUSES.len()];
    let profile = Profile::ALL[body.len() % Profile::ALL.len()];
    let answer = CallAnswer::Answered { status, retry_after: body.get(..4), body };
    if let Sorted::Minted(response) = sort(profile, answer) {
        assert_eq!(status, 200);
        assert!(TokenResponse::read(body).is_ok());
        let shown = format!("{response:?}");
        assert!(!shown.contains("eyJ"), "Debug shows a token");
    }
    let _ = ErrorResponse::read(body);
    let _ = KeySet::parse(body, &RustCrypto);
    if let Ok(metadata) = Metadata::read(body, "https://idp.example.com/realms/lake") {
        for path in [metadata.jwks_path, metadata.token_path].into_iter().flatten() {
            assert!(path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }
});
