//! Private keys as text: PEM (RFC 7468) around PKCS #8 (RFC 5208), `ECPrivateKey` (RFC 5915) or PKCS #1 (RFC 8017), also
//! as they come out of a variable of the environment.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::der::{
    BIT_STRING, CONTEXT_0, CONTEXT_1, Der, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE,
};
use crate::limits;
use crate::secret::Secret;

/// `id-ecPublicKey`, 1.2.840.10045.2.1 (RFC 5480 section 2.1.1).
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// `secp256r1`, which is P-256: 1.2.840.10045.3.1.7 (RFC 5480 section 2.1.1.1).
const SECP256R1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// `rsaEncryption`, 1.2.840.113549.1.1.1 (RFC 8017 appendix A.1).
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// A private key as its text states it, not proven to be a valid one. All numbers are big-endian.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PrivateKey {
    /// A key of the curve P-256.
    P256 {
        /// The private number.
        d: Secret<Vec<u8>>,
        /// The public point (SEC 1 section 2.3.3), where it is stated.
        point: Option<Vec<u8>>,
    },
    /// An RSA key of two primes.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The public exponent.
        e: Vec<u8>,
        /// The private exponent.
        d: Secret<Vec<u8>>,
        /// Both primes.
        primes: Secret<[Vec<u8>; 2]>,
    },
}

impl PrivateKey {
    /// The one private key of a text. `EC PARAMETERS` may stand beside it, which OpenSSL writes in front; anything
    /// else, an encrypted key among it, is `None`.
    pub(super) fn read(pem: &str) -> Option<Self> {
        if pem.len() > limits::SIGNING_KEY_BYTES {
            return None;
        }
        // No base64 and no label has a backslash: what stands there is a line break that somebody escaped.
        let text = pem.replace("\\n", "\n").replace("\\r", "\r");
        let mut key = None;
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (label, behind) = rest.strip_prefix("-----BEGIN ")?.split_once("-----")?;
            let (base64, behind) = behind.split_once("-----END ")?;
            rest = behind
                .strip_prefix(label)?
                .strip_prefix("-----")?
                .trim_start();
            let base64: String = base64.split_ascii_whitespace().collect();
            let der = STANDARD.decode(base64).ok()?;
            let one = match label {
                "EC PARAMETERS" => continue,
                "PRIVATE KEY" => pkcs8(&der),
                "EC PRIVATE KEY" => p256(&der, None),
                "RSA PRIVATE KEY" => rsa(&der),
                _ => None,
            };
            if key.replace(one?).is_some() {
                return None;
            }
        }
        key
    }
}

/// RFC 5208 section 5, RFC 5958 section 2. What stands behind the key, attributes or a public key once more, is not
/// read.
fn pkcs8(der: &[u8]) -> Option<PrivateKey> {
    let mut info = Der::sequence(der)?;
    let version = info.integer()?;
    let mut algorithm = info.inside(SEQUENCE)?;
    let key = info.next(OCTET_STRING)?;
    if !matches!(version, [] | [1]) {
        return None;
    }
    match algorithm.next(OBJECT_IDENTIFIER)? {
        EC_PUBLIC_KEY => p256(key, Some(algorithm.next(OBJECT_IDENTIFIER)?)),
        RSA_ENCRYPTION => rsa(key),
        _ => None,
    }
}

/// RFC 5915 section 3. A curve is named by what is around it, or by itself.
fn p256(der: &[u8], curve: Option<&[u8]>) -> Option<PrivateKey> {
    let mut key = Der::sequence(der)?;
    if key.integer()? != [1] {
        return None;
    }
    let d = key.next(OCTET_STRING)?;
    let own = match key.inside(CONTEXT_0) {
        Some(mut parameters) => Some(parameters.next(OBJECT_IDENTIFIER)?),
        None => None,
    };
    let point = match key.inside(CONTEXT_1) {
        Some(mut public) => Some(public.next(BIT_STRING)?.strip_prefix(&[0])?.to_vec()),
        None => None,
    };
    let curves = [curve, own];
    let named = curves.iter().flatten();
    if named.clone().count() == 0 || named.clone().any(|curve| *curve != SECP256R1) {
        return None;
    }
    Some(PrivateKey::P256 {
        d: Secret::new(d.to_vec()),
        point,
    })
}

/// RFC 8017 appendix A.1.2; version 0 has two primes.
fn rsa(der: &[u8]) -> Option<PrivateKey> {
    let mut key = Der::sequence(der)?;
    if !key.integer()?.is_empty() {
        return None;
    }
    let mut number = || key.integer().map(<[u8]>::to_vec);
    Some(PrivateKey::Rsa {
        n: number()?,
        e: number()?,
        d: Secret::new(number()?),
        primes: Secret::new([number()?, number()?]),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::PrivateKey;

    macro_rules! key {
        ($name:literal) => {
            include_str!(concat!("../../tests/native/golden/keys/", $name, ".pem"))
        };
    }

    const SEC1: &str = key!("rfc7515-a3.sec1");
    const EC: &str = key!("rfc7515-a3.pkcs8");
    const RSA: &str = key!("rfc7515-a2.pkcs8");

    #[test]
    fn a_key_is_the_same_in_every_form() {
        let ec = PrivateKey::read(EC).unwrap();
        let PrivateKey::P256 { d, point } = &ec else {
            panic!("another kind")
        };
        assert_eq!(
            (d.expose().len(), point.as_ref().map(Vec::len)),
            (32, Some(65))
        );
        for pem in [SEC1, key!("rfc7515-a3.openssl")] {
            assert!(PrivateKey::read(pem).as_ref() == Some(&ec), "{pem}");
        }
        for (pem, bytes) in [
            (key!("rfc7515-a3.no-public"), None),
            (key!("rfc7515-a3.compressed"), Some(33)),
        ] {
            match PrivateKey::read(pem) {
                Some(PrivateKey::P256 { d: other, point }) => {
                    assert!(
                        *d == other && point.map(|point| point.len()) == bytes,
                        "{pem}"
                    );
                }
                _ => panic!("{pem}"),
            }
        }
        let rsa = PrivateKey::read(RSA).unwrap();
        assert!(matches!(&rsa, PrivateKey::Rsa { n, e, primes, .. }
            if n.len() == 256 && *e == [1, 0, 1] && primes.expose().iter().all(|prime| prime.len() == 128)));
        assert!(PrivateKey::read(key!("rfc7515-a2.pkcs1")) == Some(rsa));
    }

    #[test]
    fn line_breaks_may_be_escaped_or_lost() {
        for pem in [SEC1, EC, RSA, key!("rfc7515-a3.openssl")] {
            let key = PrivateKey::read(pem).unwrap();
            for text in [
                pem.trim_end().to_owned(),
                format!("  \n{pem}\n\n"),
                pem.replace('\n', "\r\n"),
                pem.replace('\n', "\\n"),
                pem.replace('\n', "\\r\\n"),
                pem.replace('\n', " "),
                pem.replace('\n', ""),
                pem.replace('\n', "\n  "),
            ] {
                assert!(PrivateKey::read(&text).as_ref() == Some(&key), "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_private_key_of_ours() {
        for pem in [
            key!("encrypted.pkcs8"),
            key!("ed25519.pkcs8"),
            key!("explicit.sec1"),
            key!("p384.pkcs8"),
            key!("p384.sec1"),
            key!("rfc7515-a3.public"),
            key!("rsa-pss.pkcs8"),
            key!("secp256k1.pkcs8"),
            key!("secp256k1.sec1"),
        ] {
            assert!(PrivateKey::read(pem).is_none(), "{pem}");
        }
    }

    #[test]
    fn what_is_no_text_of_one_key() {
        let body = SEC1.lines().nth(1).unwrap();
        for text in [
            String::new(),
            "\n".to_owned(),
            body.to_owned(),
            format!("{SEC1}{SEC1}"),
            format!("{SEC1}{RSA}"),
            format!("a key:\n{SEC1}"),
            format!("{SEC1}# mine"),
            format!("\u{feff}{SEC1}"),
            SEC1.replace("EC PRIVATE", "PRIVATE"),
            SEC1.replace("EC PRIVATE", "RSA PRIVATE"),
            EC.replace("PRIVATE", "EC PRIVATE"),
            SEC1.replace("END EC PRIVATE", "END PRIVATE"),
            SEC1.replace("-----END", "----END"),
            SEC1.replace("BEGIN", "begin"),
            SEC1.replace(body, &format!("Proc-Type: 4,ENCRYPTED\n\n{body}")),
            SEC1.replace(body, body.get(1..).unwrap()),
            SEC1.replace(body, ""),
            SEC1.replace("-----END", "====-----END"),
            format!("{}{SEC1}", " ".repeat(16 * 1024)),
            "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----"
                .to_owned(),
        ] {
            assert!(PrivateKey::read(&text).is_none(), "{text}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        let shown = [EC, RSA].map(|pem| format!("{:?}", PrivateKey::read(pem).unwrap()));
        assert!(
            shown[0].starts_with("P256 { d: [secret], point: "),
            "{}",
            shown[0]
        );
        assert!(
            shown[1].ends_with("d: [secret], primes: [secret] }"),
            "{}",
            shown[1]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_key_or_none(text in any::<String>()) {
            let _ = PrivateKey::read(&text);
            let _ = PrivateKey::read(&format!("-----BEGIN PRIVATE KEY-----{text}-----END PRIVATE KEY-----"));
        }
    }
}
