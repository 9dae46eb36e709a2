//! The list of screens: id, address, who may, when, and the handlers. The one place where a screen becomes reachable.
//!
//! Access is decided here, by table, before a handler runs; a handler cannot forget it. What a role may not use is absent
//! from its navigation, not greyed.

use std::sync::Arc;

use axum::routing::MethodRouter;
use downtime::identity::{Role, verb};

use crate::site::Site;

pub mod audit;
pub mod carried;
pub mod carry;
pub mod chart;
pub mod conflicts;
pub mod contact;
pub mod declare;
pub mod envelope;
pub mod findings;
pub mod fleet;
pub mod help;
pub mod home;
pub mod link;
pub mod lists;
pub mod next;
pub mod note;
pub mod notebook;
pub mod orders;
pub mod packs;
pub mod payment;
pub mod print;
pub mod print_menu;
pub mod printing;
pub mod readiness;
pub mod reception;
pub mod returned;
pub mod rx;
pub mod scan;
pub mod sign_in;
pub mod stations;
pub mod temporary;
pub mod users;
pub mod ward;
pub mod work;

/// When a screen is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// For everybody, also without signing in: nothing about patients.
    Everybody,
    /// For the roles named, at any time.
    SignedIn,
    /// For the roles named, while the EHR or the network is gone or a downtime is declared: it shows patients.
    Downtime,
}

/// One screen.
#[derive(Debug)]
pub struct Screen {
    /// Number in the screen map, such as `S10`.
    pub id: &'static str,
    /// Name in addresses of help.
    pub name: &'static str,
    /// Its entry in the navigation: word, digit pressed with Alt, address.
    pub nav: Option<(&'static str, &'static str, &'static str)>,
    /// Who may.
    pub who: &'static [Role],
    /// When.
    pub open: Open,
    /// Its addresses.
    pub routes: &'static [Route],
}

/// One address of a screen.
#[derive(Debug)]
pub struct Route {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Path in axum's notation.
    pub path: &'static str,
    /// The handler.
    pub handler: fn() -> MethodRouter<Arc<Site>>,
}

/// Roles that work with lists and the work list.
pub const STAFF: &[Role] = &[
    Role::Reception,
    Role::Physician,
    Role::Informatics,
    Role::Nurse,
    Role::Laboratory,
    Role::Radiology,
    Role::Pharmacy,
    Role::Accounting,
    Role::Reconciler,
    Role::BreakGlass,
];
/// Roles that may declare a downtime: whoever answers for the work somewhere, so that care never waits for a director.
pub const DECLARERS: &[Role] = &[
    Role::Reception,
    Role::Physician,
    Role::Informatics,
    Role::Nurse,
    Role::Commander,
    Role::BreakGlass,
];
/// Roles that receive patients at a desk.
pub const DESK: &[Role] = &[Role::Reception, Role::BreakGlass];
/// Roles that work with patients face to face.
pub const CARE: &[Role] = &[Role::Reception, Role::Physician, Role::Nurse, Role::BreakGlass];
/// Roles that read a chart.
pub const READERS: &[Role] = &[
    Role::Physician,
    Role::Nurse,
    Role::Laboratory,
    Role::Radiology,
    Role::Pharmacy,
    Role::BreakGlass,
];
/// Roles that say which temporary patient is whom.
pub const LINKERS: &[Role] = &[Role::Reception, Role::Physician, Role::Reconciler];
/// Roles that write a note.
pub const WRITERS: &[Role] = &[
    Role::Physician,
    Role::Nurse,
    Role::Laboratory,
    Role::Radiology,
    Role::Pharmacy,
    Role::BreakGlass,
];

/// Where a role's work begins.
#[must_use]
pub const fn first_screen(role: Role) -> &'static str {
    match role {
        Role::Reception => "/reception",
        Role::Physician | Role::Nurse | Role::Laboratory | Role::Radiology | Role::Pharmacy | Role::BreakGlass => {
            "/patients"
        }
        Role::Accounting => "/payment",
        Role::Reconciler => "/to-enter",
        Role::Auditor | Role::PrivacyOfficer => "/audit",
        _ => "/",
    }
}

/// True for roles whose lists lead to the chart rather than to the reception.
#[must_use]
pub const fn reads_charts(role: Role) -> bool {
    role.verbs() & verb::READ != 0 && !matches!(role, Role::Reception | Role::Informatics | Role::Reconciler)
}

/// Every screen, in the order of the navigation.
pub static SCREENS: &[&Screen] = &[
    &reception::SCREEN,
    &lists::SCREEN,
    &ward::SCREEN,
    &contact::SCREEN,
    &chart::SCREEN,
    &note::SCREEN,
    &next::SCREEN,
    &rx::SCREEN,
    &orders::SCREEN,
    &payment::SCREEN,
    &notebook::SCREEN,
    &temporary::SCREEN,
    &work::SCREEN,
    &packs::SCREEN,
    &declare::SCREEN,
    &carried::SCREEN,
    &carry::SCREEN,
    &home::SCREEN,
    &readiness::SCREEN,
    &readiness::EXTRACT,
    &fleet::SCREEN,
    &fleet::PROVE,
    &findings::SCREEN,
    &print::SCREEN,
    &print_menu::SCREEN,
    &printing::SCREEN,
    &scan::SCREEN,
    &sign_in::SCREEN,
    &envelope::SCREEN,
    &conflicts::SCREEN,
    &returned::SCREEN,
    &link::SCREEN,
    &audit::SCREEN,
    &users::SCREEN,
    &stations::SCREEN,
    &help::SCREEN,
    // The next screen goes here.
];
