//! What was taken out of an answer: counted by class, named for the log.

use std::fmt;

use crate::limits;

macro_rules! whys {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal;)+) => {
        /// Why something was taken out of an answer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Why { $($(#[doc = $doc])+ $variant,)+ }

        impl Why {
            /// All of them, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its stable name: snake case, for the label of a metric.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What it means, for the reference in the docs.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ }
            }
        }
    };
}

whys! {
    /// An address of the catalog, its signer or its credentials that does not lead to the gate.
    Address = "address";
    /// How the client proves who it is, and where it gets its token.
    Authentication = "authentication";
    /// A header that the client would add to its requests.
    Header = "header";
    /// A proxy, or rules for TLS.
    Connection = "connection";
    /// A class or module that the client would load.
    Code = "code";
    /// Credentials for the storage, which the caller may not have.
    Credentials = "credentials";
    /// Remote signing, which the caller may not use.
    Signing = "signing";
}

/// What was taken out of an answer, or put in order. The names are the catalog's own, made safe for a log line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    counts: [u32; Why::ALL.len()],
    names: Vec<String>,
    unnamed: u32,
}

impl Removed {
    /// Whether nothing was taken out.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// How many members of each class were taken out, where there are any.
    pub fn counts(&self) -> impl Iterator<Item = (Why, u32)> {
        Why::ALL
            .iter()
            .copied()
            .zip(self.counts)
            .filter(|(_, count)| *count > 0)
    }

    /// The first of the names, at most [`limits::REMOVED_NAMES`]: `overrides.uri`.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn add(&mut self, why: Why, place: &str, name: &str) {
        if let Some(count) = self.counts.get_mut(why as usize) {
            *count = count.saturating_add(1);
        }
        if self.names.len() < limits::REMOVED_NAMES {
            self.names.push(log_name(place, name));
        } else {
            self.unnamed = self.unnamed.saturating_add(1);
        }
    }
}

/// The names, as the rest of a log line: `overrides.uri, config.token and 3 more`.
impl fmt::Display for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, name) in self.names.iter().enumerate() {
            let between = if position == 0 { "" } else { ", " };
            write!(f, "{between}{name}")?;
        }
        match self.unnamed {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// Only what can stand in a log line, and not more than a line bears.
fn log_name(place: &str, name: &str) -> String {
    let safe = |character: char| match character {
        '"' | '\\' | ',' => '?',
        other if other.is_ascii_graphic() => other,
        _ => '?',
    };
    let mut text = place.to_owned();
    if !place.is_empty() {
        text.push('.');
    }
    text.extend(name.chars().take(limits::REMOVED_NAME_LENGTH).map(safe));
    if name.chars().nth(limits::REMOVED_NAME_LENGTH).is_some() {
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_for_a_log_line_and_bounded() {
        let mut removed = Removed::default();
        assert!(removed.is_empty());
        assert_eq!(removed.to_string(), "");
        removed.add(Why::Address, "overrides", "uri");
        removed.add(Why::Header, "config", "header.a\r\n\"b\\c, d\u{e9}\0");
        removed.add(Why::Credentials, "", "storage-credentials");
        assert_eq!(
            removed.to_string(),
            "overrides.uri, config.header.a???b?c??d??, storage-credentials"
        );
        for _ in 0..100 {
            removed.add(Why::Header, "config", &"x".repeat(1000));
        }
        assert_eq!(removed.names().len(), 16);
        assert_eq!(removed.names()[3], format!("config.{}...", "x".repeat(64)));
        assert!(removed.to_string().ends_with("... and 87 more"));
        let counts: Vec<_> = removed.counts().collect();
        assert_eq!(
            counts,
            [(Why::Address, 1), (Why::Header, 101), (Why::Credentials, 1)]
        );
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        assert_eq!(
            log_name("a", &"\u{e9}".repeat(65)),
            format!("a.{}...", "?".repeat(64))
        );
        assert_eq!(
            log_name("a", &"x".repeat(64)),
            format!("a.{}", "x".repeat(64))
        );
    }
}
