//! Reads a body by its shape, in one pass.
//!
//! The depth of what is read is the depth of the shapes. `serde_json` skips a value without recursion.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use super::super::name::can_stand_in_a_path;
use super::keys::{COPY_SOURCE, CopySource, Key, MemberName, Property, PropertyKey, bits};
use super::shapes::{
    Means, Member, Members, REWRITES_VIEW, Shape, TABLE_LIKE, TARGET_CATALOG, TARGET_NAMESPACE,
    Words,
};
use super::signed;
use super::{Body, BodyFault, Location, Named, Object, Role, VIEW_OWNER};
use crate::json;
use crate::limits::BODY_PLACES;

/// Reads a body that is one object.
pub(super) fn read(members: &'static Members, body: &[u8]) -> Result<Body, BodyFault> {
    let text = std::str::from_utf8(body).map_err(|_| BodyFault::NotUtf8)?;
    let mut reader = Reader::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let outcome = In {
        reader: &mut reader,
        around: &mut Around::default(),
        shape: Shape::Object(members),
    }
    .deserialize(&mut deserializer)
    .and_then(|is_there| deserializer.end().map(|()| is_there));
    match outcome {
        Ok(true) => Ok(reader.body),
        Ok(false) => Err(BodyFault::WrongType),
        Err(error) => Err(reader.fault.unwrap_or(match error.classify() {
            Category::Data => BodyFault::WrongType,
            Category::Syntax | Category::Eof | Category::Io => BodyFault::NotJson,
        })),
    }
}

/// What was found so far.
#[derive(Default)]
struct Reader {
    body: Body,
    /// Texts that were kept.
    places: usize,
    /// Why reading ended: a custom serde error carries nothing but text.
    fault: Option<BodyFault>,
    /// The way to the value that is being read.
    way: Vec<Step>,
}

#[derive(Clone, Copy)]
enum Step {
    Member(&'static str),
    Element(usize),
}

/// What an object says about itself, until its end.
#[derive(Default)]
struct Around {
    name: Option<String>,
    levels: Option<Vec<String>>,
    word: Option<&'static str>,
}

impl Reader {
    fn refuse<E: Error>(&mut self, fault: BodyFault) -> E {
        self.fault = Some(fault);
        E::custom("refused")
    }

    /// Everything that is kept passes here.
    fn keep<E: Error>(&mut self, text: &str) -> Result<String, E> {
        if self.places >= BODY_PLACES {
            return Err(self.refuse(BodyFault::TooManyPlaces));
        }
        self.places = self.places.saturating_add(1);
        Ok(text.to_owned())
    }

    fn keep_name<E: Error>(&mut self, text: &str) -> Result<String, E> {
        if !can_stand_in_a_path(text) {
            return Err(self.refuse(BodyFault::BadName));
        }
        self.keep(text)
    }

    fn keep_location<E: Error>(&mut self, uri: &str) -> Result<(), E> {
        let uri = self.keep(uri)?;
        let field = self.field();
        self.body.locations.push(Location { field, uri });
        Ok(())
    }

    /// `updates[3].location`.
    fn field(&self) -> Box<str> {
        let mut field = String::new();
        for step in &self.way {
            match step {
                Step::Member(name) => {
                    if !field.is_empty() {
                        field.push('.');
                    }
                    field.push_str(name);
                }
                Step::Element(at) => {
                    field.push('[');
                    field.push_str(&at.to_string());
                    field.push(']');
                }
            }
        }
        field.into_boxed_str()
    }

    /// An object has ended.
    fn means(&mut self, means: Means, around: Around) -> Result<(), BodyFault> {
        let Around { name, levels, word } = around;
        let no_levels = levels.as_ref().is_none_or(Vec::is_empty);
        let named = match (means, name) {
            (Means::Nothing, _) => return Ok(()),
            (Means::NamespaceOrNothing(_), _) if no_levels => return Ok(()),
            (Means::Target, _) => target(word, levels.unwrap_or_default())?,
            (Means::Object(role, nouns), Some(name)) if levels.is_none() || !no_levels => Named {
                role,
                namespace: levels,
                object: Some(Object { nouns, name }),
            },
            (Means::Namespace(role) | Means::NamespaceOrNothing(role), _) if !no_levels => Named {
                role,
                namespace: levels,
                object: None,
            },
            (Means::Object(..), None) => return Err(BodyFault::MissingMember),
            _ => return Err(BodyFault::EmptyNamespace),
        };
        self.body.names.push(named);
        Ok(())
    }
}

/// `PolicyAttachmentTarget`: a path leads to a namespace, or through one to a table or view; the catalog as
/// a whole has none.
fn target(word: Option<&'static str>, mut levels: Vec<String>) -> Result<Named, BodyFault> {
    let object = match word {
        Some(TARGET_CATALOG) if levels.is_empty() => None,
        Some(TARGET_NAMESPACE) if !levels.is_empty() => None,
        Some(TARGET_CATALOG | TARGET_NAMESPACE) => return Err(BodyFault::UnknownTarget),
        _ => match levels.pop() {
            Some(name) if !levels.is_empty() => Some(Object {
                nouns: TABLE_LIKE,
                name,
            }),
            _ => return Err(BodyFault::UnknownTarget),
        },
    };
    Ok(Named {
        role: Role::Target,
        namespace: Some(levels),
        object,
    })
}

/// Reads the value in a place. Yields whether something is there: `null` is as good as nothing.
struct In<'r> {
    reader: &'r mut Reader,
    around: &'r mut Around,
    shape: Shape,
}

impl<'de> DeserializeSeed<'de> for In<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for In<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what the spec has here")
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
        match self.shape {
            Shape::Overwrites => self.reader.body.overwrites = value,
            Shape::Stages => self.reader.body.stages = value,
            _ => return Err(self.reader.refuse(BodyFault::WrongType)),
        }
        Ok(true)
    }

    // Serde's own refusals of numbers print them, for which they bring 20 KB into the module.

    fn visit_i64<E: Error>(self, _: i64) -> Result<bool, E> {
        Err(self.reader.refuse(BodyFault::WrongType))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<bool, E> {
        Err(self.reader.refuse(BodyFault::WrongType))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<bool, E> {
        Err(self.reader.refuse(BodyFault::WrongType))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
        let Self { reader, around, .. } = self;
        match self.shape {
            Shape::Location => reader.keep_location(text)?,
            Shape::Signed => reader.keep_location(&signed::location(text))?,
            // Iceberg's Java knows no case here.
            Shape::Requirement => {
                reader.body.creates |= text.eq_ignore_ascii_case("assert-create");
            }
            Shape::Name => around.name = Some(reader.keep_name(text)?),
            Shape::Level => {
                let level = reader.keep_name(text)?;
                around.levels.get_or_insert_default().push(level);
            }
            Shape::DefaultCatalog => {
                let catalog = reader.keep(text)?;
                reader.body.default_catalogs.push(catalog);
            }
            Shape::ViewOwner => {
                let owner = reader.keep(text)?;
                reader.body.view_owners.push(owner);
            }
            Shape::Removed => reader.body.disowns_view |= text == VIEW_OWNER,
            Shape::Word(words) => {
                reader.body.rewrites_view |= REWRITES_VIEW.contains(&text);
                let word = words.all().iter().find(|word| **word == text);
                around.word = Some(word.ok_or_else(|| {
                    reader.refuse(match words {
                        Words::Actions => BodyFault::UnknownAction,
                        Words::Targets => BodyFault::UnknownTarget,
                    })
                })?);
            }
            _ => return Err(reader.refuse(BodyFault::WrongType)),
        }
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<bool, A::Error> {
        let shape = match self.shape {
            Shape::List(shape) => *shape,
            Shape::Levels => {
                self.around.levels = Some(Vec::new());
                Shape::Level
            }
            _ => return Err(self.reader.refuse(BodyFault::WrongType)),
        };
        for at in 0.. {
            self.reader.way.push(Step::Element(at));
            let element = elements.next_element_seed(In {
                reader: &mut *self.reader,
                around: &mut *self.around,
                shape,
            })?;
            self.reader.way.pop();
            match element {
                Some(true) => {}
                Some(false) => return Err(self.reader.refuse(BodyFault::WrongType)),
                None => break,
            }
        }
        Ok(true)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<bool, A::Error> {
        match self.shape {
            Shape::Object(shape) => self.reader.object(shape, members)?,
            Shape::Properties(more) => self.reader.properties(more, members)?,
            Shape::SignedHeaders => self.reader.signed_headers(members)?,
            _ => return Err(self.reader.refuse(BodyFault::WrongType)),
        }
        Ok(true)
    }
}

impl Reader {
    fn object<'de, A: MapAccess<'de>>(
        &mut self,
        shape: &'static Members,
        mut members: A,
    ) -> Result<(), A::Error> {
        let mut around = Around::default();
        // A bit for each member: `seen` at all, and `there`, which `null` is not.
        let (mut seen, mut there) = (0_u32, 0_u32);
        while let Some(key) = members.next_key_seed(MemberName(shape.members))? {
            let (member, bit) = match key {
                Key::Read(member, bit) => (member, bit),
                Key::Skipped => {
                    members.next_value::<IgnoredAny>()?;
                    continue;
                }
                Key::Misspelt => return Err(self.refuse(BodyFault::MemberSpelling)),
            };
            if seen & bit != 0 {
                return Err(self.refuse(BodyFault::DuplicateMember));
            }
            seen |= bit;
            self.way.push(Step::Member(member.name));
            let is_there = members.next_value_seed(In {
                reader: &mut *self,
                around: &mut around,
                shape: member.shape,
            })?;
            self.way.pop();
            if is_there {
                there |= bit;
            }
        }
        let missing = |(member, bit): (&Member, u32)| member.required && there & bit == 0;
        if bits(shape.members).any(missing) {
            return Err(self.refuse(BodyFault::MissingMember));
        }
        self.means(shape.means, around)
            .map_err(|fault| self.refuse(fault))
    }

    fn signed_headers<'de, A: MapAccess<'de>>(&mut self, mut headers: A) -> Result<(), A::Error> {
        while let Some(copies) = headers.next_key_seed(CopySource)? {
            if copies {
                self.way.push(Step::Member(COPY_SOURCE));
                self.keep_location(COPY_SOURCE)?;
                self.way.pop();
            }
            headers.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn properties<'de, A: MapAccess<'de>>(
        &mut self,
        more: &'static [&'static str],
        mut members: A,
    ) -> Result<(), A::Error> {
        // JSON's map is in the module anyhow; a set of texts would be 2 KB more.
        let mut seen = json::Object::new();
        while let Some(property) = members.next_key_seed(PropertyKey(more))? {
            let (label, key, shape) = match property {
                Property::Location(label, key) => (label, key, Shape::Location),
                Property::ViewOwner => (VIEW_OWNER, VIEW_OWNER.to_owned(), Shape::ViewOwner),
                Property::Skipped => {
                    members.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if seen.insert(key, json::Value::Null).is_some() {
                return Err(self.refuse(BodyFault::DuplicateMember));
            }
            self.way.push(Step::Member(label));
            members.next_value_seed(In {
                reader: &mut *self,
                around: &mut Around::default(),
                shape,
            })?;
            self.way.pop();
        }
        Ok(())
    }
}
