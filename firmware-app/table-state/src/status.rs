/// The text on topic `status`: whether the appliance is there. Retained; `Offline` is its last will.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ApplianceStatus {
    /// Connected, and a first state has been published on this connection.
    Online,
    /// Shut down on purpose.
    Stopped,
    /// Gone without a word; said by the broker.
    Offline,
}

impl ApplianceStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Online, Self::Stopped, Self::Offline];

    /// The payload.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Stopped => "stopped",
            Self::Offline => "offline",
        }
    }

    /// The status that a payload says; `None` for any other bytes.
    pub fn from_payload(payload: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str().as_bytes() == payload)
    }
}

/// The text on topic `status/camera`: whether fresh pictures come, judged by the age of the newest. Retained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CameraStatus {
    /// Pictures come.
    Online,
    /// None come; the camera is being opened again.
    Recovering,
    /// None come and the camera cannot be found.
    Lost,
}

impl CameraStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Online, Self::Recovering, Self::Lost];

    /// The payload.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Recovering => "recovering",
            Self::Lost => "lost",
        }
    }

    /// The status that a payload says; `None` for any other bytes.
    pub fn from_payload(payload: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str().as_bytes() == payload)
    }
}
