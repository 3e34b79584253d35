//! Private keys of the gate's own.

use super::Environment;
use crate::config::fault::{Faults, Path};
use crate::config::model::OwnKey;
use crate::config::parts::KeyPlace;
use crate::config::texts::KeyId;
use crate::jose::{Crypto, RustCrypto};

/// The key in this variable, ready to sign. It is never shown.
pub(super) fn own_key(
    id: &KeyId,
    KeyPlace(variable): &KeyPlace,
    path: Path<'_>,
    env: Environment<'_>,
    faults: &mut Faults,
) -> Option<OwnKey> {
    let Some(pem) = env(variable).filter(|pem| !pem.is_empty()) else {
        return faults.refuse(
            path,
            format!(
                "environment variable {variable} is missing or empty; \
                 set it for Envoy and name it in vm_config.environment_variables.host_env_keys"
            ),
        );
    };
    let Some(key) = RustCrypto.load_signing_key(&pem) else {
        return faults.refuse(
            path,
            format!(
                "environment variable {variable} holds no private key that the gate can sign with; \
                 it must be one in PEM: of P-256 (ES256), or of RSA with 2048 to 4096 bits (RS256)"
            ),
        );
    };
    Some(OwnKey {
        id: id.0.clone(),
        key: key.into(),
    })
}
