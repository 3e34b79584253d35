//! What must never be seen: tokens, client secrets, and request bodies that hold them.

use std::fmt;

/// A value that does not print itself.
///
/// `Debug` shows a fixed text and there is no `Display`, so that a token cannot reach a log line,
/// a metric, an error or a panic message by accident. Reading it takes the word [`expose`], which
/// is easy to search for.
///
/// [`expose`]: Secret::expose
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Takes a value into custody.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one place that needs it.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_shows_nothing_of_the_value() {
        let secret = Secret::new("CANARY".to_owned());
        assert_eq!(
            format!("{secret:?} {:?}", Some(&secret)),
            "[secret] Some([secret])"
        );
    }
}
