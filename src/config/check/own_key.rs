//! Private keys of the gate's own.

use std::rc::Rc;

use super::Environment;
use super::issuers::in_variable;
use crate::config::fault::{Faults, Path};
use crate::config::parts::KeyPlace;
use crate::jose::{Crypto, RustCrypto, SigningKey};

/// The key in this variable, ready to sign. Nothing of what it holds is ever shown.
pub(super) fn signing_key(
    KeyPlace(variable): &KeyPlace,
    path: Path<'_>,
    env: Environment<'_>,
    faults: &mut Faults,
) -> Option<Rc<dyn SigningKey>> {
    let pem = in_variable(variable, path, env, faults)?;
    match RustCrypto.load_signing_key(pem.expose()) {
        Some(key) => Some(key.into()),
        None => faults.refuse(
            path,
            format!(
                "environment variable {variable} holds no private key that the gate can sign with; it must be one \
                 key in PEM, without a password: EC P-256 (ES256), or RSA of 2048 to 4096 bits (RS256)"
            ),
        ),
    }
}
