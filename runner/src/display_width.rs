//! Texts as wide as a terminal shows them: a Chinese character or an emoji takes two columns, an
//! accent that joins another letter none.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Stands for what was cut off.
const CUT: char = '…';

/// How many columns `text` takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// `text` in exactly `columns`: cut with `…` or filled up with spaces. Control characters, which
/// would move the cursor, become `?`.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    let shown = cut(text, columns);
    let missing = columns - width(&shown);
    shown + &" ".repeat(missing)
}

/// `text` in at most `columns`, as [`fit`] does it.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    let text: String =
        text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect();
    if width(&text) <= columns {
        return text;
    }
    let (mut shown, mut used) = (String::new(), 0);
    for letter in text.chars() {
        used += letter.width().unwrap_or(0);
        // The last column is for the mark.
        if used + 1 > columns {
            break;
        }
        shown.push(letter);
    }
    if columns > 0 {
        shown.push(CUT);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_and_filled_by_columns() {
        for (text, columns, fitted) in [
            ("books", 7, "books  "),
            ("books", 5, "books"),
            ("books", 4, "boo…"),
            ("蜘蛛网", 6, "蜘蛛网"),
            ("蜘蛛网", 5, "蜘蛛…"),
            ("蜘蛛网", 4, "蜘… "),
            ("e\u{301}te\u{301}", 4, "e\u{301}te\u{301} "),
            ("😀x", 4, "😀x "),
            ("a\nb\x1b", 5, "a?b? "),
            ("x", 0, ""),
        ] {
            assert_eq!(fit(text, columns), fitted, "{text:?} in {columns}");
        }
    }
}
