//! Any bytes as a compact JWS: no panic, and nothing is taken for canonical that is not.
#![no_main]

use icegate::jose::{Claims, CompactJws, KeySet, RustCrypto};
use libfuzzer_sys::fuzz_target;

thread_local! {
    /// The key of RFC 7515 appendix A.3.
    static KEYS: KeySet = KeySet::parse(
        br#"{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#,
        &RustCrypto,
    )
    .unwrap();
}

/// RFC 7515 appendix A.3: the only token that the key above ever signed in public.
const SIGNED: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

fuzz_target!(|token: &[u8]| {
    let Ok(jws) = CompactJws::parse(token) else { return };
    // What was read is what was sent: three canonical parts and nothing else.
    assert_eq!(jws.text().as_bytes(), token);
    assert_eq!(token.iter().filter(|byte| **byte == b'.').count(), 2);
    let _ = Claims::parse(jws.payload());
    if let Some(algorithm) = jws.header().algorithm() {
        // The same signature may be written in a second way (r, n - s); header and payload may not differ.
        let verified = KEYS.with(|keys| keys.verify(algorithm, &jws).is_ok());
        let (signed, _) = SIGNED.rsplit_once('.').unwrap();
        assert!(!verified || jws.signing_input() == signed.as_bytes(), "a forged token verifies");
    }
});
