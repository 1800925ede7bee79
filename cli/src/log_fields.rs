//! Fields of an event as the text log shows them: what a job has said last stands below the others,
//! on lines of its own, so that a traceback can be read. A job can't forge an event there, as each
//! of these lines begins alike ([`LINE_BELOW`]).

use std::{error, fmt};

use spiderq_runner::LINE_BELOW;
use tracing::field::{Field, Visit};
use tracing_subscriber::{
    field::{MakeVisitor, VisitFmt, VisitOutput},
    fmt::format::{DefaultVisitor, Writer},
};

/// The field whose lines stand below the event.
const OUTPUT: &str = "output";

/// The usual format of fields, but for that one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LogFields;

impl<'writer> MakeVisitor<Writer<'writer>> for LogFields {
    type Visitor = LogVisitor<'writer>;

    fn make_visitor(&self, writer: Writer<'writer>) -> Self::Visitor {
        LogVisitor { others: DefaultVisitor::new(writer, true), output: String::new() }
    }
}

#[derive(Debug)]
pub(crate) struct LogVisitor<'writer> {
    others: DefaultVisitor<'writer>,
    output: String,
}

impl Visit for LogVisitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() == OUTPUT {
            true => value.clone_into(&mut self.output),
            false => self.others.record_str(field, value),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn error::Error + 'static)) {
        self.others.record_error(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.others.record_debug(field, value);
    }
}

impl VisitOutput<fmt::Result> for LogVisitor<'_> {
    fn finish(mut self) -> fmt::Result {
        let below = self.output.lines().map(line_below).collect::<String>();
        self.others.writer().write_str(&below)?;
        self.others.finish()
    }
}

impl VisitFmt for LogVisitor<'_> {
    fn writer(&mut self) -> &mut dyn fmt::Write {
        self.others.writer()
    }
}

/// The writer escapes control characters, but for ESC, which begins a colour of the log.
fn line_below(line: &str) -> String {
    let line = line.replace(LINE_BELOW, "").replace('\x1b', "\\u{1b}");
    format!("{LINE_BELOW}{line}")
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };

    use tracing_subscriber::{fmt, layer::SubscriberExt as _};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(text)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_a_job_said_last_stands_below_its_event() {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = fmt::layer().fmt_fields(LogFields).with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(layer.with_ansi(false).without_time());
        tracing::subscriber::with_default(subscriber, || {
            let output = "Traceback:\n\x1b[31mred\u{1e}\r\n";
            tracing::warn!(target: "t", job = "1/2/3", n = 7, output, "ended");
            tracing::info!(target: "t", output = "", "nothing");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let expected = "\u{20}WARN t: ended job=\"1/2/3\" n=7\
                        \u{1e}Traceback:\u{1e}\\u{1b}[31mred\n\u{20}INFO t: nothing\n";
        assert_eq!(text, expected);
    }
}
