//! Where a table of an answer has its files, as far as its metadata says so.

use super::AnswerFault;
use crate::json::scan::Scanner;

/// Every place that an answer about a table names: `metadata.location`, the `write.*.path` of its properties, and what
/// its storage credentials are for (`storage-credentials[].prefix`). Manifests are files themselves and not looked into.
///
/// A table that was registered from a file of the caller's own may name any place at all.
///
/// # Errors
///
/// The answer cannot be read for certain.
pub fn locations(body: &[u8]) -> Result<Vec<String>, AnswerFault> {
    let mut found = Found {
        scanner: Scanner::new(body)?,
        places: Vec::new(),
    };
    found.members(&mut |found, name| match name {
        "metadata" if found.is_object() => found.members(&mut |found, name| match name {
            "location" => found.text(),
            "properties" if found.is_object() => {
                found.members(&mut |found, name| match names_a_place(name) {
                    true => found.text(),
                    false => found.skip(),
                })
            }
            _ => found.skip(),
        }),
        "storage-credentials" | "storage-access-configs" => found.credentials(),
        _ => found.skip(),
    })?;
    found.scanner.end()?;
    Ok(found.places)
}

fn names_a_place(property: &str) -> bool {
    property == "location" || (property.starts_with("write.") && property.ends_with(".path"))
}

struct Found<'a> {
    scanner: Scanner<'a>,
    places: Vec<String>,
}

type Member<'m, 'a> = &'m mut dyn FnMut(&mut Found<'a>, &str) -> Result<(), AnswerFault>;

impl<'a> Found<'a> {
    fn members(&mut self, member: Member<'_, 'a>) -> Result<(), AnswerFault> {
        let mut members = self.scanner.object()?;
        while let Some(found) = self.scanner.member(&mut members)? {
            member(self, &found.name)?;
        }
        Ok(())
    }

    fn credentials(&mut self) -> Result<(), AnswerFault> {
        let Some(mut elements) = self.scanner.array() else {
            return self.skip();
        };
        while self.scanner.element(&mut elements)? {
            self.members(&mut |found, name| match name {
                "prefix" => found.text(),
                _ => found.skip(),
            })?;
        }
        Ok(())
    }

    fn text(&mut self) -> Result<(), AnswerFault> {
        match self.scanner.string()? {
            Some(text) => self.places.push(text.into_owned()),
            None => self.scanner.skip()?,
        }
        Ok(())
    }

    fn skip(&mut self) -> Result<(), AnswerFault> {
        Ok(self.scanner.skip()?)
    }

    fn is_object(&mut self) -> bool {
        self.scanner.upcoming() == Some(b'{')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_a_table() {
        let answer = br#"{
            "config": {"location": "s3://not/this"},
            "storage-credentials": [{"prefix": "s3://c/", "config": {"prefix": "no"}}, {"prefix": 1}],
            "metadata": {"schema": {"location": "no"}, "location": "s3://a/t", "properties": {
                "write.data.path": "s3://b/", "write.parquet.page": "1", "path": "no", "location": "s3://d/"
            }}
        }"#;
        let places = locations(answer).unwrap();
        assert_eq!(places, ["s3://c/", "s3://a/t", "s3://b/", "s3://d/"]);
    }

    #[test]
    fn what_cannot_be_read_for_certain() {
        for answer in [
            br#"{"metadata":{"location":"a","location":"b"}}"#.as_slice(),
            b"{",
            b"[]",
            b"\xff",
        ] {
            assert!(locations(answer).is_err());
        }
        assert_eq!(locations(br#"{"metadata":null}"#), Ok(Vec::new()));
    }
}
