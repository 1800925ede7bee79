//! Sizes of flags: `64MiB`.

/// Units and how many bits their numbers are shifted by, the largest first.
const UNITS: [(&str, u32); 4] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];

/// Parses a size of at least so many bytes.
pub(crate) fn size(
    at_least: u64,
) -> impl Fn(&str) -> Result<u64, String> + Clone + Send + Sync + 'static {
    move |text| match parse(text) {
        None => Err("must be bytes as 65536, or a size as 64KiB, 192MiB or 1GiB".to_owned()),
        Some(bytes) if bytes < at_least => Err(format!("must be at least {}", show(at_least))),
        Some(bytes) => Ok(bytes),
    }
}

fn parse(text: &str) -> Option<u64> {
    let in_unit = |(unit, bits)| Some((text.strip_suffix(unit)?, bits));
    let (number, bits) = UNITS.into_iter().find_map(in_unit).unwrap_or((text, 0));
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = is_number.then(|| number.parse().ok()).flatten()?;
    number.checked_mul(1 << bits)
}

/// In the largest unit of which it is a whole number.
pub(crate) fn show(bytes: u64) -> String {
    let fits = |(_, bits): &(&str, u32)| bytes > 0 && bytes.trailing_zeros() >= *bits;
    match UNITS.into_iter().find(fits) {
        Some((unit, bits)) => format!("{}{unit}", bytes >> bits),
        None => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        for (text, bytes) in [
            ("1", 1),
            ("65536", 1 << 16),
            ("64KiB", 1 << 16),
            ("192MiB", 192 << 20),
            ("1GiB", 1 << 30),
            ("2TiB", 2 << 40),
        ] {
            assert_eq!(size(1)(text), Ok(bytes), "{text}");
            assert_eq!(parse(&show(bytes)), Some(bytes), "{text}");
        }
        assert_eq!([show(0), show(1_000), show(3 << 19)], ["0", "1000", "1536KiB"]);
        let accepted = "must be bytes as 65536, or a size as 64KiB, 192MiB or 1GiB";
        for bad in
            ["", "MiB", "64 MiB", "64mib", "64MB", "64M", "1.5GiB", "-1", "+1", "16777216TiB"]
        {
            assert_eq!(size(0)(bad), Err(accepted.to_owned()), "{bad}");
        }
        assert_eq!(size(32 << 20)("31MiB"), Err("must be at least 32MiB".to_owned()));
    }
}
