//! How a job's environment reaches its program: by pipes, so that no program between the runner and
//! it is started with variables that the job has chosen (`LD_PRELOAD`, `SPIDERQ_LOG`), and nobody
//! reads them on a command line.
//!
//! A frame is the length of what follows in 8 bytes, the lowest first, then `NAME=VALUE` and a NUL
//! for each variable.

use std::{
    ffi::{OsStr, OsString},
    io::{self, Read},
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
};

/// No name may hold `=` or a NUL, no value a NUL.
pub(crate) fn encode(variables: &[(OsString, OsString)]) -> Vec<u8> {
    let mut text = Vec::new();
    for (name, value) in variables {
        text.extend_from_slice(name.as_bytes());
        text.push(b'=');
        text.extend_from_slice(value.as_bytes());
        text.push(0);
    }
    let mut frame = (text.len() as u64).to_le_bytes().to_vec();
    frame.append(&mut text);
    frame
}

/// The next frame as it came. Fails if it is not whole.
pub(crate) fn read(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 8];
    input.read_exact(&mut frame)?;
    let mut length = [0; 8];
    length.copy_from_slice(&frame);
    let length = u64::from_le_bytes(length);
    let read = input.take(length).read_to_end(&mut frame)?;
    match read as u64 == length {
        true => Ok(frame),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// The variables of a frame.
pub(crate) fn decode(frame: &[u8]) -> Vec<(OsString, OsString)> {
    let text = frame.get(8..).unwrap_or_default();
    let variables = text.split(|byte| *byte == 0).filter_map(|variable| {
        let at = variable.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (&variable[..at], &variable[at + 1..]);
        Some((OsStr::from_bytes(name).to_owned(), OsString::from_vec(value.to_vec())))
    });
    variables.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_brings_all_variables_and_leaves_what_follows() {
        let long = "x".repeat(100_000);
        let values = [&b"1=2"[..], b"", b"a\nb", b"\xff", long.as_bytes()];
        let variables: Vec<(OsString, OsString)> = values
            .into_iter()
            .enumerate()
            .map(|(n, value)| (format!("N{n}").into(), OsStr::from_bytes(value).to_owned()))
            .collect();
        let mut input = encode(&variables);
        input.push(b't');
        let mut input = input.as_slice();
        let frame = read(&mut input).unwrap();
        assert_eq!((decode(&frame), input), (variables, &b"t"[..]));
        assert!(decode(&encode(&[])).is_empty());
    }

    #[test]
    fn a_frame_that_is_cut_is_an_error() {
        let frame = encode(&[("A".into(), "1".into())]);
        for length in [0, 7, 8, frame.len() - 1] {
            let error = read(&mut &frame[..length]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{length}");
        }
    }
}
