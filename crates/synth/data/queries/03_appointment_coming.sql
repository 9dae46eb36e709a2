-- The thin list of the coming days. :until is the last of them.
SELECT A.PATIENT_NO AS id, A.RESERVE_DATE AS booked_on, A.RESERVE_TIME AS booked_at, A.DEPT_CD AS department_code, D.DEPT_NAME AS department_name,
       A.DR_CD AS doctor_code, CONCAT(M.FAMILY_NAME, '　', M.GIVEN_NAME) AS doctor_name, D.RECEPTION AS place,
       P.FAMILY_NAME AS family_name, P.GIVEN_NAME AS given_name, P.FAMILY_KANA AS family_kana, P.GIVEN_KANA AS given_kana, P.BIRTH_DATE AS birth,
       P.TEL_HOME AS tel_home, P.TEL_MOBILE AS tel_mobile
  FROM RESERVE A
  JOIN PATIENT P ON P.PATIENT_NO = A.PATIENT_NO
  LEFT JOIN M_DEPARTMENT D ON D.DEPT_CD = A.DEPT_CD
  LEFT JOIN M_DOCTOR M ON M.DR_CD = A.DR_CD
 WHERE A.RESERVE_DATE > :day AND A.RESERVE_DATE <= :until AND A.RESERVE_STATE = '1'
 ORDER BY A.RESERVE_DATE, A.RESERVE_TIME, A.PATIENT_NO
