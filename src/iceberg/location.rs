//! placeholder
use std::fmt;
/// x
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageLocation(String);
impl StorageLocation {
    /// x
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.ends_with('/') {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be a storage location that ends with a slash")
        }
    }
    /// x
    pub fn holds(&self, uri: &str) -> bool {
        uri.starts_with(&self.0)
    }
}
impl fmt::Display for StorageLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
