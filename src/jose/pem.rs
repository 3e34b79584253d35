//! Private keys in their text form (PEM, RFC 7468), also as they come out of an environment variable.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::limits;

/// What a PEM text with one private key holds, in DER.
#[derive(PartialEq, Eq)]
pub(super) enum PrivateKeyDer {
    /// `PRIVATE KEY`: PKCS #8 (RFC 5208).
    Pkcs8(Vec<u8>),
    /// `EC PRIVATE KEY` (RFC 5915), as OpenSSL's `ecparam` writes it.
    Sec1(Vec<u8>),
    /// `RSA PRIVATE KEY`: PKCS #1 (RFC 8017 appendix A.1.2).
    Pkcs1(Vec<u8>),
}

impl PrivateKeyDer {
    /// The one private key of a text. `EC PARAMETERS` may stand beside it, which OpenSSL writes in front; anything else,
    /// an encrypted key among it, is `None`.
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
            let (end, behind) = behind.split_once("-----")?;
            if label != end {
                return None;
            }
            rest = behind.trim_start();
            if label == "EC PARAMETERS" {
                continue;
            }
            let base64: String = base64.split_ascii_whitespace().collect();
            let der = STANDARD.decode(base64).ok()?;
            let one = match label {
                "PRIVATE KEY" => Self::Pkcs8(der),
                "EC PRIVATE KEY" => Self::Sec1(der),
                "RSA PRIVATE KEY" => Self::Pkcs1(der),
                _ => return None,
            };
            if key.replace(one).is_some() {
                return None;
            }
        }
        key
    }
}
