//! Changes to a text, made on the way through it, that leave every other byte alone.

use std::ops::Range;

/// What is cut out of a text, and put in its place. The places come in their order and do not overlap.
#[derive(Debug, Default)]
pub(super) struct Edits {
    list: Vec<(Range<usize>, String)>,
}

impl Edits {
    /// Puts `text` in the place of what stands there.
    pub(super) fn replace(&mut self, place: Range<usize>, text: String) {
        self.list.push((place, text));
    }

    fn cut(&mut self, place: Range<usize>) {
        match self.list.last_mut() {
            Some((last, text)) if text.is_empty() && last.end == place.start => {
                last.end = place.end;
            }
            _ => self.list.push((place, String::new())),
        }
    }

    /// The last cut goes on up to here.
    fn cut_up_to(&mut self, end: usize) {
        if let Some((last, _)) = self.list.last_mut() {
            last.end = end;
        }
    }

    /// The changed text; `None` where nothing changes.
    pub(super) fn apply(&self, text: &str) -> Option<Vec<u8>> {
        if self.list.is_empty() {
            return None;
        }
        let mut changed = Vec::with_capacity(text.len());
        let mut from = 0;
        for (place, new) in &self.list {
            changed.extend_from_slice(text.get(from..place.start).unwrap_or_default().as_bytes());
            changed.extend_from_slice(new.as_bytes());
            from = place.end;
        }
        changed.extend_from_slice(text.get(from..).unwrap_or_default().as_bytes());
        Some(changed)
    }
}

/// Takes members out of one object, each with one comma.
///
/// With a member before it that stays, a member goes from that one's end to its own. Without one, it goes from its own
/// begin to the begin of the next.
#[derive(Debug, Default)]
pub(super) struct Cut {
    stayed: bool,
    /// The member before went, and none before it stayed: its cut is the last of the edits.
    leading: bool,
    end_of_last: usize,
}

impl Cut {
    /// A member begins here.
    pub(super) fn begin(&mut self, edits: &mut Edits, start: usize) {
        if std::mem::take(&mut self.leading) {
            edits.cut_up_to(start);
        }
    }

    /// The member that ends here stays.
    pub(super) fn keep(&mut self, end: usize) {
        self.stayed = true;
        self.end_of_last = end;
    }

    /// The member that stands here goes. Nothing within it was changed.
    pub(super) fn remove(&mut self, edits: &mut Edits, place: Range<usize>) {
        let end = place.end;
        if self.stayed {
            edits.cut(self.end_of_last..end);
        } else {
            edits.cut(place);
            self.leading = true;
        }
        self.end_of_last = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes the members out of `{a,b,c,d}` whose letter stands in `gone`.
    fn without(gone: &str) -> String {
        let text = "{ a, b , c,d }";
        let mut edits = Edits::default();
        let mut cut = Cut::default();
        for (start, letter) in text.char_indices().filter(|(_, c)| c.is_alphabetic()) {
            let end = start.saturating_add(1);
            cut.begin(&mut edits, start);
            if gone.contains(letter) {
                cut.remove(&mut edits, start..end);
            } else {
                cut.keep(end);
            }
        }
        edits.apply(text).map_or_else(
            || "unchanged".to_owned(),
            |bytes| String::from_utf8(bytes).unwrap(),
        )
    }

    #[test]
    fn commas_go_with_their_members() {
        for (gone, left) in [
            ("", "unchanged"),
            ("a", "{ b , c,d }"),
            ("b", "{ a , c,d }"),
            ("c", "{ a, b,d }"),
            ("d", "{ a, b , c }"),
            ("ab", "{ c,d }"),
            ("ac", "{ b,d }"),
            ("ad", "{ b , c }"),
            ("bc", "{ a,d }"),
            ("bd", "{ a , c }"),
            ("cd", "{ a, b }"),
            ("abc", "{ d }"),
            ("abd", "{ c }"),
            ("acd", "{ b }"),
            ("bcd", "{ a }"),
            ("abcd", "{  }"),
        ] {
            assert_eq!(without(gone), left, "without {gone}");
        }
    }
}
