//! Everything that is said to a SQL Server besides the hospital's own questions, for whoever answers for the server.
//!
//! Deliberately absent: COMMIT, and anything that changes a row, a table or a setting beyond the session.

/// What every session begins with. TEXTSIZE: a server cuts long texts at 4,096 bytes unless told otherwise. DEADLOCK_PRIORITY: where one
/// of two must give way it is us and not the EHR. LOCK_TIMEOUT: a question does not stand behind the EHR's own work for long.
pub const SETTING_UP: &str = "SET NOCOUNT ON; SET TEXTSIZE 2147483647; SET ROWCOUNT 0; SET DATEFORMAT ymd; SET LOCK_TIMEOUT 10000; \
    SET DEADLOCK_PRIORITY LOW; SET IMPLICIT_TRANSACTIONS OFF; SET XACT_ABORT OFF; SET ANSI_NULLS ON; SET ANSI_PADDING ON; \
    SET ANSI_WARNINGS ON; SET ARITHABORT ON; SET QUOTED_IDENTIFIER ON; SET CONCAT_NULL_YIELDS_NULL ON";
/// Where the database allows it.
pub const BEGIN_SNAPSHOT: &str = "SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION";
/// Everywhere else.
pub const BEGIN_COMMITTED: &str = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; BEGIN TRANSACTION";
/// After a refusal: is the transaction still open?
pub const STILL_THERE: &str = "SELECT CAST(@@TRANCOUNT AS INT) AS transactions";

/// The clock in UTC in parts that every version since 2008 can count (DATEDIFF_BIG came in 2016), how the database isolates, and the
/// roles and rights that write.
pub const FACTS: &str = "SELECT DATEDIFF(day, CAST('19700101' AS DATETIME2), T.N) AS days, \
    DATEDIFF(second, CAST(CAST(T.N AS DATE) AS DATETIME2), T.N) AS seconds, \
    CAST(D.snapshot_isolation_state AS INT) AS snapshot, CAST(D.is_read_committed_snapshot_on AS INT) AS versioned, \
    COALESCE(IS_SRVROLEMEMBER('sysadmin'), 0) AS sysadmin, COALESCE(IS_MEMBER('db_owner'), 0) AS db_owner, \
    COALESCE(IS_MEMBER('db_datawriter'), 0) AS db_datawriter, COALESCE(IS_MEMBER('db_ddladmin'), 0) AS db_ddladmin, \
    COALESCE(HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'INSERT'), 0) AS may_insert, \
    COALESCE(HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'UPDATE'), 0) AS may_update, \
    COALESCE(HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'DELETE'), 0) AS may_delete, \
    COALESCE(HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'EXECUTE'), 0) AS may_execute \
    FROM sys.databases AS D CROSS JOIN (SELECT SYSUTCDATETIME() AS N) AS T WHERE D.database_id = DB_ID()";

/// Tables and views that the account may change by rights of its own.
pub const WRITABLE: &str = "SELECT COUNT(*) AS writable FROM sys.objects AS O JOIN sys.schemas AS S ON S.schema_id = O.schema_id \
    WHERE O.type IN ('U', 'V') AND O.is_ms_shipped = 0 \
    AND (HAS_PERMS_BY_NAME(QUOTENAME(S.name) + '.' + QUOTENAME(O.name), 'OBJECT', 'INSERT') = 1 \
    OR HAS_PERMS_BY_NAME(QUOTENAME(S.name) + '.' + QUOTENAME(O.name), 'OBJECT', 'UPDATE') = 1 \
    OR HAS_PERMS_BY_NAME(QUOTENAME(S.name) + '.' + QUOTENAME(O.name), 'OBJECT', 'DELETE') = 1)";
