//! The names of members and the keys of properties, told apart as they are read: nothing is kept of the rest.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};

use super::super::name::looks_like;
use super::VIEW_OWNER;
use super::shapes::Member;

/// Properties that steer where files go, besides `write.*.path`: the location of a namespace, and what
/// Iceberg's DynamoDB catalog calls it.
const LOCATION_PROPERTIES: &[&str] = &["location", "default_location"];

/// The members of an object, each with its bit; no object has more than 32.
pub(super) fn bits(members: &'static [Member]) -> impl Iterator<Item = (&'static Member, u32)> {
    members
        .iter()
        .zip(std::iter::successors(Some(1_u32), |bit| bit.checked_mul(2)))
}

/// Reads the name of a member of an object that has these.
pub(super) struct MemberName(pub(super) &'static [Member]);

pub(super) enum Key {
    Read(&'static Member, u32),
    Skipped,
    /// Another reader might take it for a member that is read.
    Misspelt,
}

impl<'de> DeserializeSeed<'de> for MemberName {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for MemberName {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Key, E> {
        for (member, bit) in bits(self.0) {
            if member.name == name {
                return Ok(Key::Read(member, bit));
            }
        }
        if self.0.iter().any(|member| looks_like(name, member.name)) {
            return Ok(Key::Misspelt);
        }
        Ok(Key::Skipped)
    }
}

/// Reads the key of a property: whether its value is a location, here and wherever these are, too, or the owner of a view.
/// Keys are data, and compared exactly by everybody.
pub(super) struct PropertyKey(pub(super) &'static [&'static str]);

pub(super) enum Property {
    /// A location: what it is called in [`Location::field`](super::Location::field), and the key itself.
    Location(&'static str, String),
    ViewOwner,
    Skipped,
}

impl<'de> DeserializeSeed<'de> for PropertyKey {
    type Value = Property;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Property, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for PropertyKey {
    type Value = Property;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key of a property")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Property, E> {
        if key == VIEW_OWNER {
            return Ok(Property::ViewOwner);
        }
        let known = LOCATION_PROPERTIES.iter().chain(self.0);
        let label = match known.copied().find(|known| *known == key) {
            Some(known) => known,
            None if key.starts_with("write.") && key.ends_with(".path") => WRITE_PATHS
                .iter()
                .find(|known| **known == key)
                .copied()
                .unwrap_or("write.*.path"),
            None => return Ok(Property::Skipped),
        };
        Ok(Property::Location(label, key.to_owned()))
    }
}

/// Reads the name of a header that is to be signed: whether it names a source to copy from.
pub(super) struct CopySource;

impl<'de> DeserializeSeed<'de> for CopySource {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for CopySource {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a header")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<bool, E> {
        Ok(name.trim().eq_ignore_ascii_case(COPY_SOURCE))
    }
}

/// Amazon's; MinIO, Ceph and Google's S3 API have the same.
pub(super) const COPY_SOURCE: &str = "x-amz-copy-source";

/// Those that Iceberg has, for [`Location::field`](super::Location::field); the middle two are deprecated.
const WRITE_PATHS: &[&str] = &[
    "write.data.path",
    "write.object-storage.path",
    "write.folder-storage.path",
    "write.metadata.path",
];
