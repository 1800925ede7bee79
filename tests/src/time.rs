//! Times in the notation of the original documents.

/// Milliseconds since the Unix epoch of `2015-11-09T15:21:06[.123]`, UTC.
#[must_use]
pub fn millis(text: &str) -> u64 {
    let (date, time) = text.split_once('T').expect("DATE T TIME");
    let date: Vec<i64> = date.split('-').map(|part| part.parse().unwrap()).collect();
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let clock: Vec<i64> = clock.split(':').map(|part| part.parse().unwrap()).collect();
    let seconds = days(date[0], date[1], date[2]) * 86_400 + clock[0] * 3600 + clock[1] * 60;
    let fraction: u64 = format!("{fraction:0<3}").parse().unwrap();
    u64::try_from(seconds + clock[2]).unwrap() * 1000 + fraction
}

/// Days from the epoch to a date: years counted from March, so that a leap day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::millis;

    #[test]
    fn a_time_of_the_documents_is_read_to_the_millisecond() {
        assert_eq!(millis("1970-01-01T00:00:00"), 0);
        assert_eq!(millis("2015-11-09T15:21:06"), 1_447_082_466_000);
        assert_eq!(millis("2024-02-29T23:59:59.5"), 1_709_251_199_500);
    }
}
