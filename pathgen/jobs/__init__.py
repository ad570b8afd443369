"""Long work slide by slide: done-records that outlive the stage, and executors for one or many machines."""
