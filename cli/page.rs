//! Lines of a label and what it says, one under the other.

use std::fmt::Write;

/// Width of the labels.
const LABEL: usize = 12;

/// What is printed.
#[derive(Default)]
pub(crate) struct Page {
    text: String,
    last: &'static str,
}

impl Page {
    /// A line; the label is left out where it is the same as that of the line above.
    pub(crate) fn line(&mut self, label: &'static str, text: impl AsRef<str>) {
        let shown = if label == self.last { "" } else { label };
        self.last = label;
        // Writing to a text does not fail.
        let _ = writeln!(self.text, "{shown:LABEL$}{}", text.as_ref());
    }

    /// A line without a label, and a new beginning.
    pub(crate) fn head(&mut self, text: impl AsRef<str>) {
        self.last = "";
        let _ = writeln!(self.text, "{}", text.as_ref());
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}
