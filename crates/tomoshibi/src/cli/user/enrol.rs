//! Enrolling one user, and giving one a new password or badge.

use anyhow::{Context, Result, bail};
use downtime::audit::Deed;
use downtime::identity::{NewUser, UserRecord};
use vault::slot::SlotCost;

use super::badge::{Badge, BadgeArgs, credentials};
use super::{changed, commit, occupation, scope_of, somebody};
use crate::cli::password;
use crate::cli::person::{SponsorArgs, officer};
use crate::config::Config;
use crate::home::Home;
use crate::random;

pub(super) fn add(
    config: &Config,
    home: &mut Home,
    record: UserRecord,
    opens: &BadgeArgs,
    by: &SponsorArgs,
) -> Result<()> {
    if record.staff_number.is_empty() || record.name.is_empty() {
        bail!("職員番号と氏名が要ります");
    }
    let acting = officer(home, by)?;
    let number = record.staff_number.clone();
    let password = password::read(
        opens.new_password_file.as_ref(),
        &format!("{number} の新しいパスワード"),
    )?;
    let badge = opens.badge.then(|| Badge::random(&home.roster));
    let record = UserRecord {
        badge: badge.as_ref().map_or(0, |badge| badge.number),
        ..record
    };
    let new = NewUser {
        opens: credentials(config, &password, badge.as_ref())?,
        record: record.clone(),
    };
    let mut roster = home.roster.clone();
    let sponsor = acting.sponsor("");
    roster.enrol_user(&new, &sponsor, SlotCost::STANDARD, &mut random::system())?;
    let sighting = changed(home, &acting, Deed::Granted, &record, "登録");
    with_badge(config, home, &record, badge.as_ref(), opens, |home| {
        commit(home, roster, vec![sighting])
    })?;
    say!(
        "{number} {}（{}・{}）を登録しました。次の取り出しから使えます",
        record.name,
        record.role.label(),
        record.scope.text()
    );
    Ok(())
}

pub(super) fn reset(
    config: &Config,
    home: &mut Home,
    (number, how): (&str, &str),
    (role, scope): (Option<&str>, Option<&str>),
    opens: &BadgeArgs,
    by: &SponsorArgs,
) -> Result<()> {
    let number = number.trim();
    let mut record = somebody(home, number, &by.by)?.record.clone();
    if let Some(role) = role {
        record.role = occupation(role)?;
        record.scope = record.role.usual_scope();
    }
    if let Some(scope) = scope {
        record.scope = scope_of(scope)?;
    }
    let acting = officer(home, by)?;
    let password = password::read(
        opens.new_password_file.as_ref(),
        &format!("{number} の新しいパスワード"),
    )?;
    let badge = opens.badge.then(|| Badge::random(&home.roster));
    let credentials = credentials(config, &password, badge.as_ref())?;
    record.badge = badge.as_ref().map_or(0, |badge| badge.number);
    let mut roster = home.roster.clone();
    let user = roster.users.iter_mut().find(|user| user.record.staff_number == number);
    user.context("名簿")?.record = record.clone();
    let sponsor = acting.sponsor(how);
    roster.reset_user(
        number,
        record.badge,
        &credentials,
        &sponsor,
        SlotCost::STANDARD,
        &mut random::system(),
    )?;
    let sighting = changed(home, &acting, Deed::Reset, &record, how);
    with_badge(config, home, &record, badge.as_ref(), opens, |home| {
        commit(home, roster, vec![sighting])
    })?;
    say!("{number} を再発行しました。次の取り出しから新しいものだけが効きます。急ぐときは今すぐ tomoshibi extract");
    Ok(())
}

/// The badge is on paper before the roster knows it, and destroyed again when the roster does not take it.
fn with_badge(
    config: &Config,
    home: &mut Home,
    record: &UserRecord,
    badge: Option<&Badge>,
    opens: &BadgeArgs,
    commit: impl FnOnce(&mut Home) -> Result<()>,
) -> Result<()> {
    let (Some(badge), Some(path)) = (badge, &opens.badge_out) else {
        return commit(home);
    };
    badge.write(path, record, config, home)?;
    if let Err(fault) = commit(home) {
        let _ = std::fs::remove_file(path);
        return Err(fault);
    }
    say!(
        "継続バッジ {:08} を {} に書きました。印刷したらこのファイルを消してください",
        badge.number,
        path.display()
    );
    Ok(())
}
