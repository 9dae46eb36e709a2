-- The appointments of the day but those taken back.
SELECT A.PATIENT_NO AS id, A.RESERVE_DATE AS booked_on, A.RESERVE_TIME AS booked_at, A.DEPT_CD AS department_code, D.DEPT_NAME AS department_name,
       A.DR_CD AS doctor_code, CONCAT(M.FAMILY_NAME, '　', M.GIVEN_NAME) AS doctor_name, D.RECEPTION AS place, A.VISIT_KIND AS visit_kind,
       A.RESERVE_COMMENT AS remark, A.RESERVE_NO AS number
  FROM RESERVE A
  LEFT JOIN M_DEPARTMENT D ON D.DEPT_CD = A.DEPT_CD
  LEFT JOIN M_DOCTOR M ON M.DR_CD = A.DR_CD
 WHERE A.RESERVE_DATE = :day AND A.RESERVE_STATE = '1'
 ORDER BY A.RESERVE_TIME, A.RESERVE_NO
