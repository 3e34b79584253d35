//! placeholder
/// x
pub fn prefix(_body: &[u8]) -> Result<Option<String>, ()> {
    Ok(None)
}
