-- What plans did for one principal is asked before one of them is taken back.
CREATE INDEX plans_target ON plans (target_id);
