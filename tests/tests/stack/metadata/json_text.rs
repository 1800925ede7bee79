//! JSON texts, random and fixed, that a program would change if it parsed values and wrote them
//! again instead of keeping the text.

use proptest::{
    prelude::{Strategy, prop_oneof},
    sample::select,
};

/// White space that stays.
fn space() -> impl Strategy<Value = &'static str> {
    select(vec!["", "", "", " ", "\t", "  \t "])
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?",
        proptest::arbitrary::any::<i64>().prop_map(|number| number.to_string()),
        proptest::arbitrary::any::<u64>().prop_map(|number| number.to_string()),
        proptest::arbitrary::any::<f64>()
            .prop_filter("JSON", |number| number.is_finite())
            .prop_map(|number| format!("{number:?}")),
    ]
}

/// With escapes where none are needed, and lone halves of surrogate pairs.
fn string() -> impl Strategy<Value = String> {
    let escapes = [
        "\\\"",
        "\\\\",
        "\\/",
        "\\b",
        "\\f",
        "\\n",
        "\\r",
        "\\t",
        "\\u0000",
        "\\u00e9",
        "\\u2028",
        "\\ud83d\\ude00",
        "\\uD83D",
        "\\ude00",
        "\\uFFFF",
    ];
    let plain = proptest::arbitrary::any::<char>()
        .prop_filter("JSON", |letter| !letter.is_ascii_control() && !"\"\\".contains(*letter));
    let piece = prop_oneof![
        select(escapes.to_vec()).prop_map(str::to_owned),
        plain.prop_map(String::from),
        "[a-z]{0,40}",
        select(vec!["\u{7f}", "\u{2028}", "\u{202e}", "e\u{301}", "\u{feff}"])
            .prop_map(str::to_owned),
    ];
    let pieces = proptest::collection::vec(piece, 0..8);
    pieces.prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// JSON text, not a value: how it is written matters. Objects may name a field twice.
pub(crate) fn any() -> impl Strategy<Value = String> {
    let word = select(vec!["null", "true", "false", "[]", "{}"]).prop_map(str::to_owned);
    let leaf = prop_oneof![word, number(), string()];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let spaced = (space(), inner, space()).prop_map(|(a, json, b)| format!("{a}{json}{b}"));
        let spaced = spaced.boxed();
        let names = prop_oneof![select(vec!["\"a\"", "\"b\""]).prop_map(str::to_owned), string()];
        let pair = (names, space(), spaced.clone());
        let pair = pair.prop_map(|(name, space, json)| format!("{name}{space}:{json}"));
        prop_oneof![
            proptest::collection::vec(spaced, 0..4)
                .prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec(pair, 0..4)
                .prop_map(|pairs| format!("{{{}}}", pairs.join(","))),
        ]
    })
}

/// Values that parsers or printers of JSON change.
pub(crate) fn fixed() -> Vec<String> {
    let mut values: Vec<String> = [
        "1566311822568.0",
        "1E5",
        "1e+05",
        "-0",
        "-0.0",
        "0.10",
        "9007199254740993",
        "9223372036854775808",
        "18446744073709551616",
        "123456789012345678901234567890",
        "1e400",
        "0.1000000000000000055511151231257827",
        "[]",
        "{}",
        "[[],{},[[]]]",
        r#"{"a":{},"b":[]}"#,
        r#"{"b":1,"a":2,"b":3}"#,
        r#"{"__proto__":{"x":1},"constructor":null}"#,
        "null",
        r#""""#,
        r#""\ud83d\ude00 😀""#,
        r#""\ud83d""#,
        r#"["\ude00\ud83d"]"#,
        r#""\u0000\u001f\u007f\/\u00E9\u00e9""#,
        "\"\u{2028}\u{2029}\u{feff}\u{7f}\"",
        "{ \"a\" :\t[ 1 , 2 ] }",
        r#""\n""#,
    ]
    .map(str::to_owned)
    .to_vec();
    for length in [62, 63, 64, 65, 70_000] {
        values.push(format!("\"{}\"", "x".repeat(length)));
    }
    values.push(format!("\"{}\"", "\\u00e9".repeat(20_000)));
    values.push(format!("{}{}", "[".repeat(64), "]".repeat(64)));
    values
}
