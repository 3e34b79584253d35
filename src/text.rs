//! Text from outside, made safe to show.

/// Longest text that is shown whole, in characters.
const SHOWN_CHARS: usize = 128;

/// Text of a token, a request or an answer, safe for a log line, a message and a terminal: what could end a
/// quotation or a line, or turn the direction of the text, becomes `_`, and what is too long is cut.
pub fn shown(text: &str) -> String {
    let unsafe_in_logs = |character: char| {
        character.is_control()
            || matches!(character, '"' | '\'' | '`' | '\\')
            // line and paragraph separators; zero-width, direction and other invisible characters
            || matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    text.chars()
        .take(SHOWN_CHARS)
        .map(|character| {
            if unsafe_in_logs(character) {
                '_'
            } else {
                character
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_text_cannot_break_out_of_its_quotes() {
        let table = [
            ("alice", "alice"),
            (
                "Zoë Müller <zoe@example.com>",
                "Zoë Müller <zoe@example.com>",
            ),
            ("a'b\"c`d\\e", "a_b_c_d_e"),
            ("a\r\nb\0c\u{1b}[31m", "a__b_c_[31m"),
            ("a\u{85}b\u{2028}c\u{2029}d", "a_b_c_d"),
            ("\u{202e}ecila\u{200b}\u{feff}", "_ecila__"),
        ];
        for (text, expected) in table {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn a_text_ends_after_128_characters() {
        assert_eq!(shown(&"ü".repeat(129)), "ü".repeat(128));
    }
}
