//! The way through an answer: which of its objects are read, and what is changed in them.

use serde_json::Value;

use crate::iceberg::is_plain_path;
use crate::json::scan::Scanner;
use crate::wire::is_stripped;

use super::address::{self, Address};
use super::edit::{Cut, Edits};
use super::names::{self, Rule, Speaker};
use super::{AnswerFault, AnswerKind, Removed, Terms, Why};

/// One answer on its way through the guard.
pub(super) struct Walk<'a> {
    pub(super) scanner: Scanner<'a>,
    pub(super) terms: &'a Terms<'a>,
    pub(super) edits: Edits,
    pub(super) removed: Removed,
    pub(super) prefix: Option<String>,
    pub(super) separator: Option<String>,
}

/// What becomes of a member whose value was read.
enum Fate {
    Keep,
    /// Another value in its place.
    Replace(String, Why),
    Remove(Why),
}

type Fated = Result<Fate, AnswerFault>;

impl Walk<'_> {
    /// The whole answer.
    pub(super) fn answer(&mut self, kind: AnswerKind) -> Result<(), AnswerFault> {
        self.object("", &mut |walk, name| match (kind, name) {
            (AnswerKind::Config, "defaults" | "overrides") => {
                walk.properties(name, Speaker::Catalog)
            }
            (AnswerKind::Config, _) => walk.skip(),
            (_, "config") => walk.properties(name, Speaker::Catalog),
            (_, "storage-credentials" | "storage-access-configs") => walk.credentials(name),
            (_, "remote-signing-config") => walk.signing(),
            (AnswerKind::Table, "metadata") => walk.metadata(),
            _ => walk.skip(),
        })?;
        Ok(self.scanner.end()?)
    }

    fn skip(&mut self) -> Fated {
        self.scanner.skip()?;
        Ok(Fate::Keep)
    }

    /// Reads one object, and does with each member what `member` says, which reads its value. A member that goes may
    /// not have been changed before.
    fn object(
        &mut self,
        place: &str,
        member: &mut dyn FnMut(&mut Self, &str) -> Fated,
    ) -> Result<(), AnswerFault> {
        let mut members = self.scanner.object()?;
        let mut cut = Cut::default();
        while let Some(found) = self.scanner.member(&mut members)? {
            cut.begin(&mut self.edits, found.start);
            let value = self.scanner.at();
            let fate = member(self, &found.name)?;
            let end = self.scanner.at();
            let why = match fate {
                Fate::Keep => {
                    cut.keep(end);
                    continue;
                }
                Fate::Replace(text, why) => {
                    self.edits.replace(value..end, text);
                    cut.keep(end);
                    why
                }
                Fate::Remove(why) => {
                    cut.remove(&mut self.edits, found.start..end);
                    why
                }
            };
            self.removed.add(why, place, &found.name);
        }
        Ok(())
    }

    /// An object, or nothing: clients take `null` for a member that is not there.
    fn object_or_null(
        &mut self,
        place: &str,
        member: &mut dyn FnMut(&mut Self, &str) -> Fated,
    ) -> Fated {
        if self.scanner.upcoming() == Some(b'n') {
            return self.skip();
        }
        self.object(place, member)?;
        Ok(Fate::Keep)
    }

    /// An object of properties.
    fn properties(&mut self, place: &str, speaker: Speaker) -> Fated {
        self.object_or_null(place, &mut |walk, name| walk.property(place, name, speaker))
    }

    fn property(&mut self, place: &str, name: &str, speaker: Speaker) -> Fated {
        let rule = names::rule(name, speaker, self.terms);
        match rule {
            Rule::Pass => return self.skip(),
            Rule::Remove(why) => {
                self.scanner.skip()?;
                return Ok(Fate::Remove(why));
            }
            _ => {}
        }
        let Some(value) = self.scanner.string()? else {
            let null = self.scanner.upcoming() == Some(b'n');
            self.scanner.skip()?;
            return match rule {
                Rule::Code => Ok(Fate::Remove(Why::Code)),
                Rule::Prefix | Rule::Separator if null => Ok(Fate::Keep),
                Rule::Prefix => Err(AnswerFault::Prefix),
                Rule::Separator => Err(AnswerFault::Shape),
                _ => Ok(Fate::Remove(Why::Address)),
            };
        };
        let address = match rule {
            Rule::Base => address::base(&value, self.terms),
            Rule::NeededBase => address::needed_base(&value, self.terms),
            Rule::Endpoint => address::endpoint(&value, self.terms),
            Rule::Code if !names::may_load(&value) => return Ok(Fate::Remove(Why::Code)),
            Rule::Prefix => {
                if !value.is_empty() && !is_plain_path(value.as_bytes()) {
                    return Err(AnswerFault::Prefix);
                }
                let own = self.terms.prefix.filter(|own| **own != *value);
                let value = own.map_or_else(|| value.into_owned(), str::to_owned);
                announce(&mut self.prefix, place, value);
                own.map_or(Address::Pass, |own| Address::Instead(own.to_owned()))
            }
            Rule::Separator => {
                announce(&mut self.separator, place, value.into_owned());
                Address::Pass
            }
            Rule::Code | Rule::Pass | Rule::Remove(_) => Address::Pass,
        };
        Ok(match address {
            Address::Pass => Fate::Keep,
            Address::Instead(text) => Fate::Replace(Value::from(text).to_string(), Why::Address),
            Address::Remove => Fate::Remove(Why::Address),
        })
    }

    /// An array of credentials for parts of the storage: each a prefix and its properties.
    fn credentials(&mut self, place: &str) -> Fated {
        if self.scanner.upcoming() == Some(b'n') {
            return self.skip();
        }
        let Some(mut elements) = self.scanner.array() else {
            return Err(AnswerFault::Shape);
        };
        if self.terms.withhold_credentials {
            let mut any = false;
            while self.scanner.element(&mut elements)? {
                self.scanner.skip()?;
                any = true;
            }
            // LoadCredentials must have the member.
            return Ok(match any {
                true => Fate::Replace("[]".to_owned(), Why::Credentials),
                false => Fate::Keep,
            });
        }
        while self.scanner.element(&mut elements)? {
            self.object(place, &mut |walk, name| match name {
                "config" => walk.properties(place, Speaker::Catalog),
                _ => walk.skip(),
            })?;
        }
        Ok(Fate::Keep)
    }

    /// `remote-signing-config`: what the client sends along to the signer.
    fn signing(&mut self) -> Fated {
        if self.terms.withhold_signing {
            self.scanner.skip()?;
            return Ok(Fate::Remove(Why::Signing));
        }
        self.object_or_null("remote-signing-config", &mut |walk, name| {
            if name != "headers" {
                return walk.skip();
            }
            walk.object_or_null("remote-signing-config.headers", &mut |walk, name| {
                walk.scanner.skip()?;
                let own = name
                    .get(..2)
                    .is_some_and(|start| start.eq_ignore_ascii_case("x-"));
                Ok(if own && !is_stripped(name.as_bytes()) {
                    Fate::Keep
                } else {
                    Fate::Remove(Why::Header)
                })
            })
        })
    }

    /// A table's metadata, of which only the properties are read.
    fn metadata(&mut self) -> Fated {
        self.object_or_null("metadata", &mut |walk, name| match name {
            "properties" => walk.properties("metadata.properties", Speaker::Table),
            _ => walk.skip(),
        })
    }
}

/// Keeps what the catalog announces; `overrides` beat `defaults`, whichever comes first.
fn announce(known: &mut Option<String>, place: &str, value: String) {
    if known.is_none() || place == "overrides" {
        *known = Some(value);
    }
}
