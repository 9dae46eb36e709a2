-- Examinations ordered for the day. :day8 is the day as text of 8 digits.
SELECT X.PATIENT_NO AS id, X.EXAM_DATE AS exam_on, X.EXAM_TIME AS exam_at, X.EXAM_CD AS exam_code, E.EXAM_NAME AS exam_name, E.PLACE AS place,
       E.PREPARATION AS preparation, X.ORDER_COMMENT AS remark, X.DEPT_CD AS department_code, D.DEPT_NAME AS department_name, X.ORDER_NO AS number
  FROM ORDER_EXAM X
  LEFT JOIN M_EXAM E ON E.EXAM_CD = X.EXAM_CD
  LEFT JOIN M_DEPARTMENT D ON D.DEPT_CD = X.DEPT_CD
 WHERE X.EXAM_DATE = :day8 AND X.ORDER_STATE = '1'
 ORDER BY X.PATIENT_NO, X.ORDER_NO
