//! Why a TLS connection to a server failed, as an operator can mend it. Transports say only
//! "transport error" and have the reason deep in the chain of their causes.

use std::{error::Error, fmt, io};

use rustls::{AlertDescription, CertificateError, Error as TlsError, InvalidMessage};

/// Alerts of a server that wants another client certificate, or any.
const CERTIFICATE_ALERTS: [AlertDescription; 6] = [
    AlertDescription::AccessDenied,
    AlertDescription::BadCertificate,
    AlertDescription::CertificateExpired,
    AlertDescription::CertificateRequired,
    AlertDescription::CertificateUnknown,
    AlertDescription::UnknownCA,
];

/// Its text names the flags of our clients that matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsFailure {
    /// The server's certificate is of an authority that is not trusted.
    Untrusted,
    /// The server's certificate is not good for it: of another host, or expired, say.
    Invalid(String),
    /// The server refuses the client's certificate, or the lack of one.
    ClientCertificate,
    /// What answers does not speak TLS.
    NoTls,
}

impl TlsFailure {
    /// The failure that `error` is about, if it is about one.
    #[must_use]
    pub fn find(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref() {
                return Self::of(error);
            }
            // The source of an I/O error is that of the error in it, which it leaves out.
            let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            cause = match inner {
                Some(inner) => Some(inner),
                None => error.source(),
            };
        }
        None
    }

    fn of(error: &TlsError) -> Option<Self> {
        if let TlsError::InvalidCertificate(why) = error {
            // A bad signature is by another key of an authority of the same name.
            let untrusted = [CertificateError::UnknownIssuer, CertificateError::BadSignature];
            let is_untrusted = untrusted.contains(why);
            return Some(if is_untrusted {
                Self::Untrusted
            } else {
                Self::Invalid(why.to_string())
            });
        }
        if let TlsError::InvalidMessage(InvalidMessage::InvalidContentType) = error {
            return Some(Self::NoTls);
        }
        let TlsError::AlertReceived(alert) = error else { return None };
        CERTIFICATE_ALERTS.contains(alert).then_some(Self::ClientCertificate)
    }
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untrusted => f.write_str(
                "the server's certificate is not signed by a trusted authority; --tls-ca names \
                 the file of those to trust",
            ),
            Self::Invalid(why) => {
                write!(f, "the server's certificate is not valid for this connection: {why}")
            }
            Self::ClientCertificate => f.write_str(
                "the server wants another certificate of its clients; --tls-client-cert names its \
                 file",
            ),
            Self::NoTls => f.write_str("the server speaks no TLS; its URL may begin with http://"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(error: TlsError) -> Option<TlsFailure> {
        // As a connector wraps it.
        let inner = io::Error::new(io::ErrorKind::InvalidData, error);
        TlsFailure::find(&io::Error::other(inner))
    }

    #[test]
    fn the_failure_is_found_below_the_errors_of_a_transport() {
        let certificate = |why| TlsError::InvalidCertificate(why);
        let other_name = CertificateError::NotValidForName;
        for (error, failure) in [
            (certificate(CertificateError::UnknownIssuer), Some(TlsFailure::Untrusted)),
            (certificate(CertificateError::BadSignature), Some(TlsFailure::Untrusted)),
            (certificate(other_name.clone()), Some(TlsFailure::Invalid(other_name.to_string()))),
            (
                TlsError::AlertReceived(AlertDescription::CertificateRequired),
                Some(TlsFailure::ClientCertificate),
            ),
            (TlsError::AlertReceived(AlertDescription::InternalError), None),
            (TlsError::InvalidMessage(InvalidMessage::InvalidContentType), Some(TlsFailure::NoTls)),
        ] {
            assert_eq!(found(error.clone()), failure, "{error}");
        }
        assert_eq!(TlsFailure::find(&io::Error::other("else")), None);
    }
}
