-- Every bed and who lies in it; a row without id is an empty bed.
SELECT B.WARD_CD AS ward_code, W.WARD_NAME AS ward_name, B.ROOM_NO AS room, B.BED_NO AS bed, S.PATIENT_NO AS id, S.ADMITTED AS admitted,
       S.DEPT_CD AS department_code, D.DEPT_NAME AS department_name, S.DR_CD AS attending_code,
       CONCAT(M.FAMILY_NAME, '　', M.GIVEN_NAME) AS attending_name, S.NURSE AS nurse, S.PURPOSE AS purpose, S.DIET AS diet, S.ACTIVITY AS rest,
       S.ISOLATION AS isolation, S.OXYGEN AS oxygen, S.DRIP AS drip, S.INSULIN AS insulin, S.POLICY AS policy, S.ADL AS adl, S.FALL_RISK AS falls,
       S.SWALLOWING AS swallowing, S.SKIN AS skin, S.OPERATION AS operation, S.LEAVE_PLANNED AS leave_planned, S.CONTACT_NAME AS contact_name,
       S.CONTACT_RELATION AS contact_relation, S.CONTACT_TEL AS contact_phone
  FROM BED B
  LEFT JOIN M_WARD W ON W.WARD_CD = B.WARD_CD
  LEFT JOIN STAY S ON S.WARD_CD = B.WARD_CD AND S.ROOM_NO = B.ROOM_NO AND S.BED_NO = B.BED_NO AND S.LEFT_AT IS NULL
  LEFT JOIN M_DEPARTMENT D ON D.DEPT_CD = S.DEPT_CD
  LEFT JOIN M_DOCTOR M ON M.DR_CD = S.DR_CD
 ORDER BY B.WARD_CD, B.ROOM_NO, B.BED_NO
