//! XML with the data types of XML-RPC, as the original service writes it. Two of them are the usual
//! extensions: `nil`, and an `int` of any length.

use super::json::Json;

/// Appends `<value>…</value>`.
pub(super) fn write(value: &Json<'_>, out: &mut String) {
    out.push_str("<value>");
    match value {
        Json::Null => out.push_str("<nil/>"),
        Json::Bool(value) => element("boolean", if *value { "1" } else { "0" }, out),
        Json::Number(text) => {
            let is_integer = !text.contains(['.', 'e', 'E']);
            element(if is_integer { "int" } else { "double" }, text, out);
        }
        Json::Text(text) => element("string", text, out),
        Json::Array(values) => {
            out.push_str("<array><data>");
            values.iter().for_each(|value| write(value, out));
            out.push_str("</data></array>");
        }
        Json::Object(fields) => {
            out.push_str("<struct>");
            for (name, value) in fields {
                out.push_str("<member>");
                element("name", name, out);
                write(value, out);
                out.push_str("</member>");
            }
            out.push_str("</struct>");
        }
    }
    out.push_str("</value>");
}

fn element(name: &str, text: &str, out: &mut String) {
    out.extend(["<", name, ">"]);
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Else a parser would turn it into a line feed.
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' | ' '.. if !matches!(character, '\u{fffe}' | '\u{ffff}') => {
                out.push(character);
            }
            // XML has no way to write it.
            _ => out.push('\u{fffd}'),
        }
    }
    out.extend(["</", name, ">"]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_element() {
        let mut out = String::new();
        let line = r#"{"a<":[1,-1.5,1e3,true,false,null],"b":"x & <y>\r\n\t\u0000\uffff","c":{}}"#;
        write(&Json::of(line.as_bytes()), &mut out);
        let expected = concat!(
            "<value><struct><member><name>a&lt;</name><value><array><data>",
            "<value><int>1</int></value><value><double>-1.5</double></value>",
            "<value><double>1e3</double></value><value><boolean>1</boolean></value>",
            "<value><boolean>0</boolean></value><value><nil/></value></data></array></value>",
            "</member><member><name>b</name>",
            "<value><string>x &amp; &lt;y&gt;&#13;\n\t\u{fffd}\u{fffd}</string></value></member>",
            "<member><name>c</name><value><struct></struct></value></member></struct></value>",
        );
        assert_eq!(out, expected);
    }
}
